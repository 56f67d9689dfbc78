// Holds the precompiled header of all tests (tests/CMakeLists.txt).
int main() {}
