// Writes the datasets that view_page_test.py looks at into a folder.
#include <cstdio>

#include "tests/view/view_support.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: view_datasets FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  understudy::view_test::WriteLooks(folder / "looks.h5");
  understudy::view_test::WritePlain(folder / "plain.h5");
  return 0;
}
