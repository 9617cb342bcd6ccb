#!/bin/sh
# Workers on Amazon EC2, for the kind `command` of latent workers: ec2.sh start | ec2.sh stop ID | ec2.sh list
# Needs the AWS command line, with credentials that may run, tag, describe and terminate instances.
# EC2_LAUNCH_TEMPLATE names a launch template: image (with multimaster-worker and Node), type, subnet, security group.
set -eu

refuse() { echo "ec2.sh: $*" >&2; exit 1; }

# Values that are written into a script must be what they seem.
plain() { case $1 in *[!A-Za-z0-9:/._~-]* | '') refuse "a value has characters that are not allowed: $2" ;; esac; }

case ${1-} in
start)
  plain "$MASTER_URL" MASTER_URL
  plain "$WORKER_NAME" WORKER_NAME
  plain "$WORKER_PASSWORD" WORKER_PASSWORD
  script=$(mktemp)
  trap 'rm -f "$script"' EXIT
  # User data can be read by every program on the instance, and by whoever may describe its attributes.
  cat >"$script" <<SCRIPT
#!/bin/sh
umask 077
password=\$(mktemp)
printf %s '$WORKER_PASSWORD' >"\$password"
exec multimaster-worker start --master '$MASTER_URL' --name '$WORKER_NAME' --password-file "\$password" \\
  --basedir "\${WORKER_BASEDIR:-/var/lib/multimaster-worker}"
SCRIPT
  # The token makes a start that is tried again the same start.
  tags="{Key=multimaster.cluster,Value=$MULTIMASTER_CLUSTER},{Key=multimaster.latent,Value=$MULTIMASTER_LATENT}"
  tags="$tags,{Key=multimaster.instance,Value=$MULTIMASTER_INSTANCE},{Key=Name,Value=$WORKER_NAME}"
  aws ec2 run-instances --count 1 \
    --launch-template "LaunchTemplateName=$EC2_LAUNCH_TEMPLATE" \
    --client-token "$MULTIMASTER_CLUSTER-$MULTIMASTER_INSTANCE" \
    --instance-initiated-shutdown-behavior terminate \
    --user-data "file://$script" \
    --tag-specifications "ResourceType=instance,Tags=[$tags]" \
    --query 'Instances[0].InstanceId' --output text
  ;;
stop)
  if ! said=$(aws ec2 terminate-instances --instance-ids "$2" --output text 2>&1); then
    case $said in *InvalidInstanceID.NotFound*) ;; *) refuse "$said" ;; esac
  fi
  ;;
list)
  # Those that are shutting down cost nothing any more and do not come back.
  found=$(aws ec2 describe-instances \
    --filters "Name=tag:multimaster.cluster,Values=$MULTIMASTER_CLUSTER" "Name=tag:multimaster.latent,Values=$MULTIMASTER_LATENT" \
    'Name=instance-state-name,Values=pending,running,stopping,stopped' \
    --query 'Reservations[].Instances[].[InstanceId, Tags[?Key==`multimaster.instance`]|[0].Value, State.Name]' --output text)
  printf '%s\n' "$found" | while read -r id number state; do
    case $id in i-*) ;; *) continue ;; esac
    # No instance has the number 0: one whose label is damaged is ended.
    case $number in '' | *[!0-9]*) number=0 ;; esac
    case $state in pending | running) echo "$id $number" ;; *) echo "$id $number dead" ;; esac
  done
  ;;
*) refuse "start, stop ID or list" ;;
esac
