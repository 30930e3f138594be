// Prints one JSON object for schema_test.py: the schema of the test catalog, and the wrong files with whether a schema
// can see what is wrong.
#include <boost/json.hpp>
#include <cstdio>

#include "fake_catalog.hpp"
#include "wrong_files.hpp"

int main() {
  namespace test = usher::config::test;
  boost::json::array files;
  for (const auto& file : test::wrong_files()) {
    if (!file.schema_sees) continue;
    files.push_back(boost::json::object{{"what", file.what}, {"yaml", file.yaml}});
  }
  const boost::json::object out{{"schema", boost::json::parse(usher::config::json_schema(test::keys_of, test::types))},
                                {"wrong", std::move(files)},
                                {"shortest", boost::json::string(test::shortest.data(), test::shortest.size())}};
  std::puts(boost::json::serialize(out).c_str());
}
