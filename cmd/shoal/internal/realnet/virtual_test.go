package realnet

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

const stunAt = "1.2.3.4"

// virtual builds a story's network in this process: a home router with a NAT for
// each member behind its distance, and a STUN server in the middle.
func virtual(t *testing.T, s story, show *show) []host {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	quiet.ScopeLevels = map[string]logging.LogLevel{}
	middle, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "0.0.0.0/0", LoggerFactory: quiet})
	must(err)
	server, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{stunAt}})
	must(err)
	must(middle.AddNet(server))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	origin := show.serve(listener)
	t.Cleanup(func() { origin.Close() })

	var hosts []host
	for i, m := range s.config.Members {
		nat := &vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrDependent, MappingLifeTime: time.Hour}
		if m.Symmetric {
			nat = &vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent, MappingLifeTime: time.Hour}
		}
		home, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: fmt.Sprintf("10.0.%d.0/24", i+1), StaticIPs: []string{fmt.Sprintf("27.1.1.%d", i+1)},
			NATType: nat, MinDelay: s.away[i], LoggerFactory: quiet})
		must(err)
		own, err := vnet.NewNet(&vnet.NetConfig{})
		must(err)
		down := m.Down
		if down == 0 {
			down = s.config.Downlink
		}
		in, err := vnet.NewQueue(own, vnet.NewTBFQueue(int(width(down, 0)), burst, burst+int64(float64(down)/8*longest.Seconds())))
		must(err)
		var nic vnet.NIC = in
		if s.loss > 0 {
			nic, err = vnet.NewLossFilter(in, s.loss, vnet.WithLossSeed(int64(i)))
			must(err)
		}
		must(home.AddNet(nic))
		must(middle.AddRouter(home))
		out := newLine(width(m.Up, s.config.Tracks[0]))
		transport := &http.Transport{}
		hosts = append(hosts, host{
			net:    lined{own, out},
			client: &http.Client{Transport: transport},
			origin: "http://" + listener.Addr().String(),
			ice:    []webrtc.ICEServer{{URLs: []string{"stun:" + stunAt + ":3478"}}},
			kill:   func() { out.dead.Store(true) },
		})
		t.Cleanup(func() {
			transport.CloseIdleConnections()
			out.close()
			in.Close()
		})
	}
	must(middle.Start())
	conn, err := server.ListenPacket("udp4", stunAt+":3478")
	must(err)
	go answerSTUN(conn)
	t.Cleanup(func() {
		conn.Close()
		middle.Stop()
	})
	return hosts
}

// answerSTUN tells every asker its address (RFC 8489 §6), until conn is closed.
func answerSTUN(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		request := &stun.Message{Raw: append([]byte(nil), buffer[:n]...)}
		udp, ok := from.(*net.UDPAddr)
		if request.Decode() != nil || !ok {
			continue
		}
		answer, err := stun.Build(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: udp.IP, Port: udp.Port})
		if err == nil {
			_, _ = conn.WriteTo(answer.Raw, from)
		}
	}
}
