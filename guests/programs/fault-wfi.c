// fault-wfi: every hart sleeps and nothing can wake it. The run never ends by itself: a
// simulator should notice that no event is left.
#include "guest.h"

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart == 0)
		print("everybody sleeps\n");
	park();
}
