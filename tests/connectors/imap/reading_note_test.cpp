// What is known after a crash of the mail that was being read.
#include <catch2/catch.hpp>

#include <fstream>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/reading_note.hpp"
#include "tests/journal/temporary_folder.hpp"

using usher::connectors::email::imap::ReadingNote;
namespace limits = usher::connectors::email::imap::limits;

TEST_CASE("a mail that ended two processes is known to the third and no other mail is", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "mailboxes" / "support-mail.reading";
  for (int process = 1; process <= limits::deaths_max; ++process) {
    ReadingNote note(file);
    // The mails before it are read at each start.
    CHECK_FALSE(note.begin("first"));
    note.end();
    CHECK_FALSE(note.begin("deadly"));
  }
  {
    ReadingNote note(file);
    CHECK_FALSE(note.begin("first"));
    note.end();
    CHECK(note.begin("deadly"));
    note.end();
    CHECK_FALSE(note.begin("behind it"));
    note.end();
  }
  ReadingNote note(file);
  CHECK_FALSE(note.begin("deadly"));  // It was taken: a repeat begins anew.
}

TEST_CASE("a process that ends between two mails counts against none", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 1; process <= 5; ++process) {
    ReadingNote note(file);
    CHECK_FALSE(note.begin("good"));
    note.end();
  }
  CHECK(std::filesystem::file_size(file) == 0);
}

TEST_CASE("two mails that end processes in turn are both known in the end", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 0; process < 2 * limits::deaths_max; ++process) {
    ReadingNote note(file);
    CHECK_FALSE(note.begin(process % 2 == 0 ? "one" : "other"));
  }
  ReadingNote note(file);
  CHECK(note.begin("one"));
  note.end();
  CHECK(note.begin("other"));
}

TEST_CASE("a note that is full forgets the oldest and one that is garbage or cannot be kept says nothing", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 0; process < limits::deaths_max; ++process)
    for (std::size_t i = 0; i <= limits::deadly_mails_remembered; ++i) CHECK_FALSE(ReadingNote(file).begin("mail " + std::to_string(i)));
  CHECK(std::filesystem::file_size(file) <= limits::deadly_mails_remembered * 67);
  for (const std::string& text : {std::string(1000, 'x'), std::string(67, '\n'), std::string(30, 'a'), std::string()}) {
    std::ofstream(file, std::ios::trunc) << text;
    CHECK_FALSE(ReadingNote(file).begin("mail 1"));
  }
  for (int process = 0; process < 5; ++process) CHECK_FALSE(ReadingNote("/proc/no/such/folder/x.reading").begin("mail"));
}
