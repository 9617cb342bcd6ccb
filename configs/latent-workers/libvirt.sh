#!/bin/sh
# Workers as virtual machines of libvirt, for the kind `command` of latent workers: libvirt.sh start | libvirt.sh stop NAME | libvirt.sh list
# LIBVIRT_URI names the hypervisor, such as qemu+ssh://ci@host/system. LIBVIRT_POOL is a storage pool with the volume LIBVIRT_IMAGE,
# over which each machine has a volume of its own. LIBVIRT_DOMAIN is a file such as libvirt.xml. A service of the image runs:
#   cd /sys/firmware/qemu_fw_cfg/by_name/opt/multimaster && exec multimaster-worker start \
#     --master "$(cat master/raw)" --name "$(cat worker/raw)" --password-file "$PWD/password/raw" --basedir /var/lib/multimaster-worker
set -eu

refuse() { echo "libvirt.sh: $*" >&2; exit 1; }
plain() { case $1 in *[!A-Za-z0-9:/._~-]* | '') refuse "a value has characters that are not allowed: $2" ;; esac; }
ask() { virsh --quiet --connect "$LIBVIRT_URI" "$@"; }

# The labels are the beginning of the names of machine and volume.
prefix="mm-$MULTIMASTER_CLUSTER-$MULTIMASTER_LATENT-"
# If virsh fails, nothing is known: these fail, too.
volumes() { table=$(ask vol-list --pool "$LIBVIRT_POOL") || return 1; printf '%s\n' "$table" | awk '{ print $1 }'; }
machines() { ask list --name; }
contains() { printf '%s\n' "$1" | grep -qxF "$2"; }

case ${1-} in
start)
  name=$prefix$MULTIMASTER_INSTANCE
  for value in MASTER_URL WORKER_NAME WORKER_PASSWORD; do eval "plain \"\$$value\" $value"; done
  domain=$(mktemp)
  trap 'rm -f "$domain"' EXIT
  sed -e "s|@NAME@|$name|" -e "s|@POOL@|$LIBVIRT_POOL|" -e "s|@VOLUME@|$name.qcow2|" -e "s|@MASTER_URL@|$MASTER_URL|" \
    -e "s|@WORKER_NAME@|$WORKER_NAME|" -e "s|@WORKER_PASSWORD@|$WORKER_PASSWORD|" "$LIBVIRT_DOMAIN" >"$domain"
  ask vol-create-as --pool "$LIBVIRT_POOL" --name "$name.qcow2" --capacity "${LIBVIRT_CAPACITY:-20G}" --format qcow2 \
    --backing-vol "$LIBVIRT_IMAGE" --backing-vol-format qcow2 >&2
  # It is gone when it is switched off: only its volume is left.
  ask create --file "$domain" >&2
  echo "$name"
  ;;
stop)
  case $2 in "$prefix"*[!0-9]* | "$prefix") refuse "$2 is not of this latent worker" ;; "$prefix"*) ;; *) refuse "$2 is not of this latent worker" ;; esac
  running=$(machines) || refuse "the machines cannot be listed"
  if contains "$running" "$2"; then ask destroy --domain "$2" >&2; fi
  found=$(volumes) || refuse "the volumes cannot be listed"
  if contains "$found" "$2.qcow2"; then ask vol-delete --pool "$LIBVIRT_POOL" --vol "$2.qcow2" >&2; fi
  ;;
list)
  found=$(volumes) || refuse "the volumes cannot be listed"
  running=$(machines) || refuse "the machines cannot be listed"
  for volume in $found; do
    case $volume in "$prefix"*.qcow2) ;; *) continue ;; esac
    name=${volume%.qcow2}
    number=${name#"$prefix"}
    case $number in '' | *[!0-9]*) continue ;; esac
    if contains "$running" "$name"; then echo "$name $number"; else echo "$name $number dead"; fi
  done
  ;;
*) refuse "start, stop NAME or list" ;;
esac
