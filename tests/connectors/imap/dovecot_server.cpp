// DovecotServer: runs the script and reads what it prints.
#include "tests/connectors/imap/dovecot_server.hpp"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/connectors/imap/reader_fixture.hpp"

namespace usher::connectors::email::imap::testing {

namespace {

const std::string script = std::string(USHER_SOURCE_DIR) + "/deploy/mail/dovecot";

// What it printed; none: it failed.
std::optional<std::string> try_output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  expect(pipe != nullptr, "a test can run a program");
  std::string text;
  for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) text += static_cast<char>(c);
  return ::pclose(pipe) == 0 ? std::optional(text) : std::nullopt;
}

std::string output_of(const std::string& command) {
  auto text = try_output_of(command);
  expect(text.has_value(), "the program of a test succeeds");
  return std::move(*text);
}

int port_of(const std::string& line) { return std::stoi(line.substr(line.rfind(':') + 1)); }

}  // namespace

DovecotServer::DovecotServer(const std::string& own_conf) {
  if (!own_conf.empty()) std::ofstream(folder_.path() / "own.conf") << own_conf;
  start();
}

DovecotServer::~DovecotServer() { stop(); }

void DovecotServer::start() {
  std::istringstream lines(output_of(script + " start --folder " + folder_.path().string()));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("imap ")) port_ = port_of(line);
    if (line.starts_with("imaps ")) tls_port_ = port_of(line);
  }
  std::ifstream users(folder_.path() / "users");
  std::getline(users, password_);
  password_.erase(0, password_.find('}') + 1);
}

void DovecotServer::stop() { output_of(script + " stop --folder " + folder_.path().string()); }

ImapAccount DovecotServer::account(Protection protection) const {
  ImapAccount account;
  const std::string ca_file = (folder_.path() / "ca.pem").string();
  account.server = {"127.0.0.1", protection == Protection::tls ? tls_port_ : port_, protection, ca_file};
  account.credentials.user = "support";
  account.credentials.password = password_;
  account.poll_every = Milliseconds(20);
  return account;
}

std::unique_ptr<ImapSession> DovecotServer::client() const {
  const auto wanted = account();
  auto session = ImapSession::open(wanted.server, wanted.credentials, {}, never_);
  expect(session.has_value(), "the server of a test lets its user in");
  return std::move(*session);
}

std::string DovecotServer::doveadm_command(const std::string& words) const {
  return "doveadm -c " + (folder_.path() / "dovecot.conf").string() + " " + words;
}

std::string DovecotServer::doveadm(const std::string& words) const { return output_of(doveadm_command(words)); }

void DovecotServer::deliver(const std::vector<std::string>& subjects) const {
  for (const auto& subject : subjects) {
    std::ofstream(folder_.path() / "mail.eml") << mail(subject);
    doveadm("save -u support -m INBOX " + (folder_.path() / "mail.eml").string());
  }
}

void DovecotServer::put_files(std::size_t count, Instant arrived_at) const {
  const auto fresh = maildir() / "cur";
  for (const char* name : {"cur", "new", "tmp"}) std::filesystem::create_directories(maildir() / name);
  const auto seconds = unix_ms(arrived_at) / 1000;
  for (std::size_t i = 0; i < count; ++i) {
    const auto path = fresh / (std::to_string(seconds) + ".M" + std::to_string(i) + "P1.old:2,");
    std::ofstream(path) << mail("old-" + std::to_string(i));
    // INTERNALDATE of a maildir is the file's time.
    std::filesystem::last_write_time(path, std::chrono::file_clock::from_sys(arrived_at));
  }
  if (::getuid() == 0) output_of("chown -R nobody:nogroup " + maildir().parent_path().string());
}

std::vector<std::string> DovecotServer::subjects(const std::string& search, const std::string& folder) const {
  std::string words = search;
  if (const std::size_t at = words.find('$'); at != std::string::npos) words.insert(at, "\\");  // A shell is in between.
  const std::string question = doveadm_command("-f flow fetch -u support hdr.subject mailbox '" + folder + "' " + words);
  auto told = try_output_of(question);
  // A mail that is moved or erased while it is asked for spoils the answer.
  for (int again = 0; !told && again < 20; ++again) told = try_output_of(question);
  expect(told.has_value(), "a server that stands still tells what is there");
  std::istringstream lines(*told);
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);) out.push_back(line.substr(line.find('=') + 1));
  std::sort(out.begin(), out.end());
  return out;
}

void DovecotServer::renumber() const {
  // Dovecot keeps the numbering beside the mails; without it, it numbers anew.
  for (const auto& entry : std::filesystem::directory_iterator(maildir()))
    if (entry.path().filename().string().starts_with("dovecot")) std::filesystem::remove_all(entry.path());
}

}  // namespace usher::connectors::email::imap::testing
