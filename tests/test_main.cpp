// The one main of all Catch2 suites: compiled once, since it is the slow half of the header.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
