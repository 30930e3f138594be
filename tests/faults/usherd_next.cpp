// usherd as the release after the next change of the engine: its routers claim with the next engine version (rule O3).
#include "daemon/daemon_main.hpp"
#include "routing/engine/engine.hpp"

int main(int argc, char** argv) { return usher::daemon::run_usherd_as(usher::engine::engine_version + 1, argc, argv); }
