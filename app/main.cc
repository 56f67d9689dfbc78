#include "app/cli.h"

int main(int argc, char** argv) { return understudy::RunCommandLine(argc, argv); }
