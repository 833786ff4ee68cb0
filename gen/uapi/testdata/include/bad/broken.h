#define BROKEN 1
struct broken { unknown_t x; };
