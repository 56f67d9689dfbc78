extern "C" int NoEntry() { return 0; }
