package device

// Mix is splitmix64's output function (Steele, Lea and Flood, OOPSLA 2014): a
// permutation of the 64-bit words that makes a counter look random.
func Mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
