#!/bin/sh
# Makes an authority and the certificates of the example's broker and of Rootline, valid for 30 days.
# For trying it out: the authority's key stays beside them, and everybody on this machine can read the keys.
#
#   examples/compose/certificates.sh [FOLDER [BROKER'S NAME OR ADDRESS ...]]
set -eu

folder=${1:-$(dirname "$0")/certificates}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- kafka localhost
mkdir -p "$folder/broker" "$folder/client"
cd "$folder"

names=
for name in "$@"; do
  case $name in
    *[!0-9.]*) kind=DNS ;;
    *) kind=IP ;;
  esac
  names="$names${names:+,}$kind:$name"
done

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

sign() { # KEY CERTIFICATE SUBJECT EXTENSIONS
  printf '%s\n' "basicConstraints=critical,CA:FALSE" "$4" >extensions
  openssl req -new -key "$1" -subj "/CN=$3" |
    openssl x509 -req -sha256 -days 30 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions -out "$2" 2>/dev/null
  rm extensions
}

key ca.key
openssl req -new -x509 -sha256 -days 30 -key ca.key -subj "/CN=Rootline's example" -out ca.pem
key broker/broker.key
sign broker/broker.key broker/broker.pem kafka "subjectAltName=$names"
key client/rootline.key
sign client/rootline.key client/rootline.pem rootline "extendedKeyUsage=clientAuth"

# Kafka wants key and certificate in one file; both sides trust the authority.
cat broker/broker.key broker/broker.pem >broker/keystore.pem
cp ca.pem broker/ca.pem
cp ca.pem client/ca.pem
# The containers' users are not the one that runs this.
chmod 644 broker/* client/*
chmod 600 ca.key
echo "certificates for $names in $folder"
