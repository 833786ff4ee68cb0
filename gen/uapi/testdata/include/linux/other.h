#ifndef OTHER_H
#define OTHER_H
#define OTHER_ONE 1
/* Defined elsewhere as well, and the same. */
#define SAMPLE_DECIMAL 12
#endif
