#!/bin/sh
# Process 1 of mcsim's initramfs: a shell on the console; its end powers off.
/bin/busybox mkdir -p /bin /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
hostname mcsim
if [ -n "$(ls -d /sys/firmware/devicetree/base/soc/virtio_mmio@* /sys/bus/virtio/devices/* 2>/dev/null)" ]; then
	modprobe -a virtio_mmio virtio_blk virtio_net virtio_rng
	[ ! -e /sys/class/net/eth0 ] || { ip link set eth0 up; udhcpc -q -n -i eth0 -s /etc/udhcpc.sh >/dev/null; }
fi
export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin TERM=${TERM:-vt100} PS1='\h:\w\$ '
echo "mcsim: $(nproc) harts, $(uname -sr)"
cd /root
setsid cttyhack sh
poweroff -f
