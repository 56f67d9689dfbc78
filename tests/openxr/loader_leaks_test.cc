// The Khronos loader 1.0.20 leaks its dispatch tables at every xrCreateInstance, in a bare loop of
// create and destroy as well. The pattern matches every stack that passes through the loader, the
// runtime's behind it included: for those run once with LSAN_OPTIONS=print_suppressions=1 and look.
#if defined(__SANITIZE_ADDRESS__)
#define UNDERSTUDY_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDERSTUDY_LEAK_CHECK 1
#endif
#endif

#ifdef UNDERSTUDY_LEAK_CHECK
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libopenxr_loader\n"; }
#endif
