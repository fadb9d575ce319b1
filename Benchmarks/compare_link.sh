#!/usr/bin/env bash
# Benchmarks/compare_link.sh [OPTION of compare_ranks.py]...
#
# Two ranks in two network namespaces of one machine, joined by a pair of virtual cards: as fast as that goes, and cut to
# RATE (1gbit) each way. Both are timed by compare_ranks.py, which says how long they wait for sums that the way back does not
# hide, and link_model.py sets its model beside that, up to 64 ranks. At last the same with DELAY (200) microseconds more for
# whatever is gathered. Wants root, ip, tc with tbf, and Open MPI.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rate=${RATE:-1gbit} delay=${DELAY:-200} python=${PYTHON:-python3}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
scratch=$(mktemp -d)
cp /etc/hosts "$scratch/hosts"
trap 'cp "$scratch/hosts" /etc/hosts; ip netns del hl-one; ip netns del hl-two; rm -rf "$scratch"' EXIT
ip netns add hl-one
ip netns add hl-two
ip link add hl-a type veth peer name hl-b
ip link set hl-a netns hl-one
ip link set hl-b netns hl-two
for side in "hl-one hl-a 10.97.0.1" "hl-two hl-b 10.97.0.2"; do
    read -r space card address <<<"$side"
    ip netns exec "$space" ip addr add "$address/24" dev "$card"
    ip netns exec "$space" ip link set "$card" up
    ip netns exec "$space" ip link set lo up
    echo "$address $space" >>/etc/hosts
done

# Stands in for ssh: the host's name is that of its namespace.
cat >"$scratch/agent" <<'AGENT'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do shift; done
space=$1
shift
exec ip netns exec "$space" sh -c "$*"
AGENT
chmod +x "$scratch/agent"
launcher="ip netns exec hl-one mpirun.openmpi --host hl-one,hl-two --bind-to none --mca plm_rsh_agent $scratch/agent"
launcher+=" --mca btl tcp,self --mca btl_tcp_if_include 10.97.0.0/24 --mca oob_tcp_if_include 10.97.0.0/24"

compare() {
    local file=$1
    shift
    "$python" "$here/compare_ranks.py" --without-peer --launcher "$launcher" --save "$scratch/$file.json" "$@"
}
model() { "$python" "$here/link_model.py" "$scratch/quick.json" --rate "$bits" --latency "$1" --measured "$scratch/$2.json"; }

echo "as fast as it goes:"
compare quick "$@"
for side in "hl-one hl-a" "hl-two hl-b"; do
    read -r space card <<<"$side"
    ip netns exec "$space" tc qdisc add dev "$card" root tbf rate "$rate" burst 256kb latency 50ms
done
bits=$(numfmt --from=si "$(sed 's/bit$//; s/m$/M/; s/g$/G/; s/k$/K/' <<<"$rate")")
echo "$rate each way:"
compare slow "$@"
model 0 slow
echo "$rate each way, and $delay microseconds more for what is gathered:"
compare late --delay "$delay" "$@"
model "${delay}e-6" late
