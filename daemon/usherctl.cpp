// usherctl: the operator's and the integrator's command line (docs/usherctl.md). All of it is in daemon/ctl_*.cpp.
#include "daemon/ctl_main.hpp"

int main(int argc, char** argv) { return usher::daemon::run_usherctl(argc, argv); }
