package supervisor

import (
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strconv"
)

// environment returns a process's environment with what Garden sets where it is absent, and with what the
// platform alone knows (executor's run_step): the container's address and ports.
func environment(given map[string]string, ports []int) []string {
	full := map[string]string{"USER": "vcap", "PATH": "/usr/local/bin:/usr/bin:/bin"}
	maps.Copy(full, given)
	address := ownAddress()
	full["CF_INSTANCE_IP"], full["CF_INSTANCE_INTERNAL_IP"] = address, address
	full["CF_INSTANCE_PORT"], full["CF_INSTANCE_ADDR"], full["CF_INSTANCE_PORTS"] = "", "", "[]"
	if len(ports) > 0 {
		first := strconv.Itoa(ports[0])
		full["CF_INSTANCE_PORT"], full["CF_INSTANCE_ADDR"] = first, net.JoinHostPort(address, first)
		full["CF_INSTANCE_PORTS"] = mappings(ports)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(full)) {
		pairs = append(pairs, name+"="+full[name])
	}
	return pairs
}

// mappings describes ports that are reached from outside under their own numbers.
func mappings(ports []int) string {
	var mapped []map[string]int
	for _, port := range ports {
		mapped = append(mapped, map[string]int{"external": port, "internal": port})
	}
	raw, _ := json.Marshal(mapped) // always encodes
	return string(raw)
}

// ownAddress returns the container's first IPv4 address that is not loopback, or "".
func ownAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLoopback() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	return ""
}
