// usherd: the daemon's program. Reads the configuration, runs one node, and waits for signals. Exit codes follow
// sysexits; docs/operating.md lists them.
#include "daemon/daemon_main.hpp"

int main(int argc, char** argv) { return usher::daemon::run_usherd(argc, argv); }
