// What is known after a crash of the mail that was being read.
#include <catch2/catch.hpp>

#include <fstream>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/reading_note.hpp"
#include "tests/journal/temporary_folder.hpp"

using usher::connectors::email::imap::ReadingNote;
using Reading = ReadingNote::Reading;
namespace limits = usher::connectors::email::imap::limits;

TEST_CASE("a mail that ended two processes is known to the third and no other mail is", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "mailboxes" / "support-mail.reading";
  for (int process = 1; process <= limits::deaths_max; ++process) {
    ReadingNote note(file);
    // The mails before it are read at each start.
    CHECK(note.begin("first") == Reading::as_ever);
    note.end();
    CHECK(note.begin("deadly") == Reading::as_ever);
  }
  {
    ReadingNote note(file);
    CHECK(note.begin("first") == Reading::as_ever);
    note.end();
    CHECK(note.begin("deadly") == Reading::as_it_is);
    note.end();
    CHECK(note.begin("behind it") == Reading::as_ever);
    note.end();
  }
  // Met again it is the same message again, however often.
  for (int again = 0; again < 10; ++again) {
    ReadingNote note(file);
    CHECK(note.suspects("deadly"));
    CHECK_FALSE(note.suspects("behind it"));
    CHECK(note.begin("deadly") == Reading::as_it_is);
    note.end();
  }
}

TEST_CASE("deadly mails of one batch cost two processes each and no more", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  // The place in the mailbox is saved behind the last of them, so each process meets all again.
  int processes = 0;
  for (bool whole = false; !whole && processes < 100; ++processes) {
    ReadingNote note(file);
    whole = true;
    for (int mail = 0; whole && mail < 5; ++mail) {
      whole = note.begin("mail " + std::to_string(mail)) == Reading::as_it_is;
      if (whole) note.end();
    }
  }
  CHECK(processes == 5 * limits::deaths_max + 1);
}

TEST_CASE("a mail that ends processes also when it is taken as it is stays where it is", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 0; process < limits::deaths_max; ++process) CHECK(ReadingNote(file).begin("deadly") == Reading::as_ever);
  for (int process = 0; process < limits::deaths_max; ++process) CHECK(ReadingNote(file).begin("deadly") == Reading::as_it_is);
  for (int process = 0; process < 10; ++process) CHECK(ReadingNote(file).begin("deadly") == Reading::not_at_all);
}

TEST_CASE("a process that ends between two mails counts against none", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 1; process <= 5; ++process) {
    ReadingNote note(file);
    CHECK(note.begin("good") == Reading::as_ever);
    note.end();
  }
  CHECK(std::filesystem::file_size(file) == 0);
}

TEST_CASE("two mails that end processes in turn are both known in the end", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 0; process < 2 * limits::deaths_max; ++process) {
    ReadingNote note(file);
    CHECK(note.begin(process % 2 == 0 ? "one" : "other") == Reading::as_ever);
  }
  ReadingNote note(file);
  CHECK(note.begin("one") == Reading::as_it_is);
  note.end();
  CHECK(note.begin("other") == Reading::as_it_is);
}

TEST_CASE("a note that is full forgets the oldest and one that is garbage or cannot be kept says nothing", "[imap]") {
  const usher::testing::TemporaryFolder folder;
  const auto file = folder.path() / "support-mail.reading";
  for (int process = 0; process < limits::deaths_max; ++process)
    for (std::size_t i = 0; i <= limits::deadly_mails_remembered; ++i) CHECK(ReadingNote(file).begin("mail " + std::to_string(i)) == Reading::as_ever);
  CHECK(std::filesystem::file_size(file) <= limits::deadly_mails_remembered * 67);
  for (const std::string& text : {std::string(1000, 'x'), std::string(67, '\n'), std::string(30, 'a'), std::string()}) {
    std::ofstream(file, std::ios::trunc) << text;
    CHECK(ReadingNote(file).begin("mail 1") == Reading::as_ever);
  }
  for (int process = 0; process < 5; ++process) CHECK(ReadingNote("/proc/no/such/folder/x.reading").begin("mail") == Reading::as_ever);
}
