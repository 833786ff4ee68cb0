#include <linux/nowhere.h>
