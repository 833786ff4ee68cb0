#define ASM_ARCH 1
