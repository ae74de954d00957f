#!/bin/busybox sh
# The emulated machine's first process: this machine's root below a layer in memory, and in it the one
# program that the kernel's command line names (vmlab=...).
b=/bin/busybox
fail() {
	echo "init: $*"
	$b poweroff -f
}
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do
	$b insmod "$module" || fail "could not load $module"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /lower || fail "no root"
$b mount -t tmpfs tmpfs /upper || fail "no memory"
$b mkdir /upper/layer /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/layer,workdir=/upper/work overlay /whole || fail "no layer"
for place in proc sys dev; do
	$b mount -o move /$place /whole/$place || fail "no /$place"
done
$b mount -t tmpfs tmpfs /whole/run || fail "no /run"
$b mkdir -p /whole/run/lab /whole/run/netns
ulimit -l unlimited
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/run/lab HOME=/run/lab \
	$b chroot /whole $vmlab
echo "init: $vmlab ended with $?"
$b poweroff -f
