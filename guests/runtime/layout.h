// Sizes that assembly and C share.
#define MAX_HARTS 64
#define STACK_STRIDE (16384 + 192)
#define TRAP_STACK_SHIFT 12
#define FRAME_BYTES 288 // pc and x1-x31, then mcause and mtval, 16-aligned
#define LINE_BYTES 64
