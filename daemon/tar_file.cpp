// Tar files: 512-byte headers, data padded to 512, two zero blocks at the end (POSIX.1-1988 ustar).
#include "daemon/tar_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace usher::daemon {
namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::uint64_t octal_size_end = 1ULL << 33;  // Eleven octal digits.

// Fields of the header: where, and how long.
struct Field { std::size_t at, length; };
constexpr Field name_field{0, 100}, mode_field{100, 8}, owner_field{108, 8}, group_field{116, 8}, size_field{124, 12},
    time_field{136, 12}, sum_field{148, 8}, type_field{156, 1}, magic_field{257, 8}, prefix_field{345, 155};

using Block = std::array<char, block_bytes>;

Error wrong(const std::filesystem::path& file, const std::string& why) {
  return fail(Fault::malformed, file.string() + " is no backup of Usher, or damaged: " + why);
}
Error system_error(const char* did, const std::filesystem::path& file) {
  return fail(Fault::unavailable, std::string(did) + " " + file.string() + ": " + std::strerror(errno));
}

void put_octal(Block& block, Field field, std::uint64_t number) {
  for (std::size_t i = 0; i < field.length - 1; ++i) {
    block[field.at + field.length - 2 - i] = static_cast<char>('0' + (number & 7));
    number >>= 3;
  }
}
void put_text(Block& block, Field field, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(field.at));
}
// Beyond eleven octal digits: binary, first byte 0x80, as GNU and POSIX tars read it.
void put_size(Block& block, std::uint64_t size) {
  if (size < octal_size_end) return put_octal(block, size_field, size);
  block[size_field.at] = static_cast<char>(0x80);
  for (std::size_t i = 0; i < 8; ++i) block[size_field.at + 11 - i] = static_cast<char>((size >> (8 * i)) & 0xFF);
}

// As if the sum's own field were blanks.
std::uint64_t sum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= sum_field.at && i < sum_field.at + sum_field.length;
    sum += own ? static_cast<unsigned char>(' ') : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string text_in(const Block& block, Field field) {
  const std::string_view all(block.data() + field.at, field.length);
  return std::string(all.substr(0, all.find('\0')));
}
std::uint64_t number_in(const Block& block, Field field) {
  std::uint64_t number = 0;
  if (static_cast<unsigned char>(block[field.at]) == 0x80) {
    for (std::size_t i = 4; i < field.length; ++i)
      number = (number << 8) | static_cast<unsigned char>(block[field.at + i]);
    return number;
  }
  for (std::size_t i = 0; i < field.length; ++i) {
    const char c = block[field.at + i];
    if (c >= '0' && c <= '7') number = (number << 3) | static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

std::uint64_t padding_after(std::uint64_t size) { return (block_bytes - size % block_bytes) % block_bytes; }

}  // namespace

Result<TarWriter> TarWriter::create(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST) return fail(Fault::conflict, file.string() + " exists already");
  if (descriptor < 0) return system_error("cannot write", file);
  OpenFile open(::fdopen(descriptor, "wb"));
  if (!open) return system_error("cannot write", file);
  return TarWriter(std::move(open), file);
}

Result<void> TarWriter::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return system_error("cannot write", path_);
  return {};
}

Result<void> TarWriter::write_head(const std::string& name, std::uint64_t size) {
  Block block{};
  // A long name is cut at a slash: prefix / name.
  std::string prefix, last = name;
  if (name.size() > name_field.length) {
    const auto cut = name.rfind('/');
    expect(cut != std::string::npos && cut <= prefix_field.length && name.size() - cut - 1 <= name_field.length,
           "names in a backup fit a tar header");
    prefix = name.substr(0, cut);
    last = name.substr(cut + 1);
  }
  put_text(block, name_field, last);
  put_text(block, prefix_field, prefix);
  put_octal(block, mode_field, 0600);
  put_octal(block, owner_field, 0);
  put_octal(block, group_field, 0);
  put_size(block, size);
  put_octal(block, time_field, 0);  // Equal contents, equal archives.
  put_text(block, type_field, "0");
  put_text(block, magic_field, std::string_view("ustar\00000", 8));
  put_octal(block, {sum_field.at, 7}, sum_of(block));
  block[sum_field.at + 7] = ' ';
  return write({block.data(), block.size()});
}

Result<void> TarWriter::write_padding(std::uint64_t size) {
  const Block zeros{};
  return write({zeros.data(), static_cast<std::size_t>(padding_after(size))});
}

Result<void> TarWriter::add_bytes(const std::string& name, std::string_view bytes) {
  auto done = write_head(name, bytes.size());
  if (done) done = write(bytes);
  if (done) done = write_padding(bytes.size());
  if (!done) return done;
  RunningSum sum;
  sum.add(bytes);
  sums_[name] = sum.finish();
  return {};
}

Result<void> TarWriter::add_file(const std::string& name, const std::filesystem::path& from) {
  const OpenFile in(std::fopen(from.c_str(), "rbe"));
  if (!in) return system_error("cannot read", from);
  struct stat about {};
  if (::fstat(::fileno(in.get()), &about) != 0) return system_error("cannot read", from);
  const auto size = static_cast<std::uint64_t>(about.st_size);
  auto done = write_head(name, size);
  if (!done) return done;
  RunningSum sum;
  std::string chunk(chunk_bytes, '\0');
  for (std::uint64_t left = size; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk.size()));
    const auto count = std::fread(chunk.data(), 1, wanted, in.get());
    if (count == 0) return fail(Fault::unavailable, from.string() + " shrank while it was read");
    done = write({chunk.data(), count});
    if (!done) return done;
    sum.add({chunk.data(), count});
    left -= count;
  }
  done = write_padding(size);
  if (done) sums_[name] = sum.finish();
  return done;
}

Result<void> TarWriter::finish() {
  const Block zeros{};
  for (int i = 0; i < 2; ++i) {
    const auto done = write({zeros.data(), zeros.size()});
    if (!done) return done;
  }
  if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) return system_error("cannot sync", path_);
  return {};
}

Result<void> read_tar(const std::filesystem::path& file,
                      const std::function<Result<void>(const std::string& name, const TarRead& read)>& take) {
  const OpenFile in(std::fopen(file.c_str(), "rbe"));
  if (!in) {
    if (errno == ENOENT) return fail(Fault::not_found, file.string() + " does not exist");
    return system_error("cannot read", file);
  }
  for (;;) {
    Block block{};
    if (std::fread(block.data(), 1, block.size(), in.get()) != block.size()) return wrong(file, "it ends too early");
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) return {};
    if (number_in(block, sum_field) != sum_of(block)) return wrong(file, "a header's checksum is wrong");
    if (block[type_field.at] != '0') return wrong(file, "it holds something other than plain files");
    const auto prefix = text_in(block, prefix_field);
    const auto name = (prefix.empty() ? "" : prefix + "/") + text_in(block, name_field);
    auto left = number_in(block, size_field);
    const auto padding = padding_after(left);

    const TarRead read = [&]() -> Result<std::string> {
      std::string chunk(static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk_bytes)), '\0');
      if (std::fread(chunk.data(), 1, chunk.size(), in.get()) != chunk.size()) return wrong(file, "it ends too early");
      left -= chunk.size();
      return chunk;
    };
    const auto taken = take(name, read);
    if (!taken) return taken;
    while (left > 0) {
      const auto skipped = read();
      if (!skipped) return skipped.error();
    }
    Block rest{};
    if (std::fread(rest.data(), 1, padding, in.get()) != padding) return wrong(file, "it ends too early");
  }
}

}  // namespace usher::daemon
