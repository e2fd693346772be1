# Runs a Ceph of one monitor, one OSD in memory and one radosgw, until SIGUSR1: DIR ROOT MON_V2 MON_V1 PORT ACCESS SECRET.
# Without cephx: everything listens on the loopback address alone, and its data are gone with it.
set -u
dir=$1 root=$2 v2=$3 v1=$4 port=$5 access=$6 secret=$7
lib=$root/usr/lib/x86_64-linux-gnu
fsid=0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0 osd=1f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0
pids=
# The supervisor ignores SIGTERM, and a shell cannot trap what was ignored when it began.
stop() { kill -KILL $pids 2>/dev/null; wait; exit 0; }
trap stop USR1
PATH=$root/usr/bin:$PATH
if [ -n "$root" ]; then
    LD_LIBRARY_PATH=$lib:$lib/ceph:$root/usr/lib:$root/lib/x86_64-linux-gnu
    PYTHONPATH=$root/usr/lib/python3/dist-packages
    export LD_LIBRARY_PATH PYTHONPATH
fi
export CEPH_CONF="$dir/ceph.conf"
mkdir "$dir/mon" "$dir/osd" "$dir/rgw"
# radosgw asks its monitor for encryption, which there is none of without cephx: hence ms_mon_client_mode.
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$v2/0,v1:127.0.0.1:$v1/0]
public_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_mon_client_mode = crc
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $dir
crash_dir = $dir
log_file = $dir/\$name.log
mon_cluster_log_file = $dir/cluster.log
admin_socket = $dir/\$name.\$pid.asok
mon_data = $dir/mon
osd_data = $dir/osd
rgw_data = $dir/rgw
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
mon_allow_pool_size_one = true
mon_data_avail_warn = 1
mon_data_avail_crit = 1
osd_class_dir = $lib/rados-classes
erasure_code_dir = $lib/ceph/erasure-code
plugin_dir = $lib/ceph
CONF
monmaptool --create --fsid $fsid --addv a "[v2:127.0.0.1:$v2,v1:127.0.0.1:$v1]" "$dir/monmap"
ceph-mon --mkfs -i a --monmap "$dir/monmap"
ceph-mon -f -i a & pids="$pids $!"
ceph --connect-timeout 30 osd new $osd
ceph --connect-timeout 30 osd crush add 0 1.0 root=default host=h
ceph-osd --mkfs -i 0 --osd-uuid $osd
ceph-osd -f -i 0 & pids="$pids $!"
until ceph --connect-timeout 30 osd stat | grep -q '1 up'; do sleep 0.2; done
timeout 60 radosgw-admin user create --uid s3gc --display-name s3gc --access-key "$access" --secret-key "$secret"
radosgw -f -n client.admin --rgw-frontends "beast endpoint=127.0.0.1:$port" & pids="$pids $!"
wait
