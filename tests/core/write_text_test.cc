// WriteTextAtomically where the system refuses: the message has the reason of the step that failed,
// and nothing is left behind.

#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "core/base/error.h"
#include "core/base/json.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/own_folder.h"

namespace {
thread_local int close_error = 0;  // what every close() fails with; 0: as it goes
}

// Stands before the C library's, whose failures cannot be had on a local disk.
extern "C" int close(int fd) {
  const long result = syscall(SYS_close, fd);
  if (close_error == 0) return static_cast<int>(result);
  errno = close_error;
  return -1;
}

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class CloseFails {
 public:
  CloseFails() { close_error = EIO; }
  ~CloseFails() { close_error = 0; }
};

class WriteTextTest : public testing::Test {
 protected:
  WriteTextTest() { WriteTextAtomically(file_, "before"); }
  void ExpectUnchanged() {
    EXPECT_EQ(ReadText(file_), "before");
    EXPECT_FALSE(fs::exists(folder_ / "x.json.part"));
  }
  const OwnFolder folder_;
  const fs::path file_ = folder_ / "x.json";
};

TEST_F(WriteTextTest, ReplacesTheWholeFile) {
  WriteTextAtomically(file_, "after");
  EXPECT_EQ(ReadText(file_), "after");
}

TEST_F(WriteTextTest, AFailedCloseIsReportedWithItsReason) {
  {
    const CloseFails fails;
    EXPECT_THAT([&] { WriteTextAtomically(file_, "after"); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("x.json: close failed"), HasSubstr("Input/output error"))));
  }
  ExpectUnchanged();
}

TEST_F(WriteTextTest, AFailedWriteKeepsItsReasonWhenCloseFailsToo) {
  const std::string text(10000, 'x');
  {
    const FileSizeLimit limit(4096);
    EXPECT_THAT([&] { WriteTextAtomically(file_, text); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("x.json: write failed"), HasSubstr("File too large"))));
    const CloseFails fails;
    EXPECT_THAT([&] { WriteTextAtomically(file_, text); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("x.json: write failed"), HasSubstr("File too large"))));
  }
  ExpectUnchanged();
}

TEST_F(WriteTextTest, AFolderThatIsMissingIsNamed) {
  EXPECT_THAT([&] { WriteTextAtomically(folder_ / "no" / "x.json", "text"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("no/x.json: open for writing failed"),
                                         HasSubstr("No such file or directory"))));
}

}  // namespace
}  // namespace understudy
