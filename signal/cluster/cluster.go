// Package cluster is the bus between signalling servers: NATS, either one that the
// operator runs or, for a single server, one embedded in the process that listens
// to nobody, so that there is one code path and no port.
//
// NATS delivers at most once and keeps nothing. That suits signalling: what is lost
// is repeated by samples and heartbeats, and a lost offer is tried again.
package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// inbox is how many messages may wait to be taken in; more are dropped, as NATS
	// does with slow consumers.
	inbox = 16384
	// startTime is how long the embedded server may take to start.
	startTime = 10 * time.Second
	// reconnectWait and jitter pace attempts to reach NATS again.
	reconnectWait, reconnectJitter = 500 * time.Millisecond, time.Second
	// pingInterval and pingsMissed find a NATS server that is gone without a word.
	pingInterval, pingsMissed = 5 * time.Second, 2
)

// Config of a Bus. The zero value runs an embedded NATS server.
type Config struct {
	// URL of a NATS server, or several with commas between them: nats://host:4222,
	// tls://…, nats://user:password@… (default: embedded).
	URL string
	// Credentials is a NATS credentials file (default: none).
	Credentials string
	// Log gets losses and returns of the connection (default: nothing).
	Log *slog.Logger
}

// Bus is a signal.Bus. Close it after the server that uses it.
type Bus struct {
	conn     *nats.Conn
	embedded *server.Server
	in       chan *nats.Msg
	done     chan struct{}
	stop     chan struct{}
	listens  bool

	mu       sync.Mutex
	subjects map[string]*nats.Subscription
}

// Open connects. It does not wait for a NATS server that is not there yet: the bus
// is connected when it comes.
func Open(cfg Config) (*Bus, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bus{in: make(chan *nats.Msg, inbox), done: make(chan struct{}), stop: make(chan struct{}),
		subjects: make(map[string]*nats.Subscription)}
	options := []nats.Option{
		nats.Name("shoal signal"), nats.NoEcho(), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1), // old signals are worth nothing
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(pingsMissed),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { cfg.Log.Warn("the cluster's NATS is lost", "err", err) }),
		nats.ReconnectHandler(func(c *nats.Conn) { cfg.Log.Info("the cluster's NATS is back", "url", c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			cfg.Log.Warn("the cluster's NATS reports", "err", err)
		}),
	}
	if cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(cfg.Credentials))
	}
	if cfg.URL == "" {
		embedded, err := embed()
		if err != nil {
			return nil, err
		}
		b.embedded = embedded
		options = append(options, nats.InProcessServer(embedded))
	}
	conn, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		b.shutEmbedded()
		return nil, fmt.Errorf("cluster: %w (want nats://host:port)", err)
	}
	b.conn = conn
	return b, nil
}

// embed starts a NATS server without a listener, a store or signal handlers.
func embed() (*server.Server, error) {
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, NoSystemAccount: true})
	if err != nil {
		return nil, fmt.Errorf("cluster: embedded NATS: %w", err)
	}
	go s.Start() // Shutdown ends it
	if !s.ReadyForConnections(startTime) {
		s.Shutdown()
		return nil, errors.New("cluster: embedded NATS did not start")
	}
	return s, nil
}

// Listen delivers what comes, from a goroutine that Close ends.
func (b *Bus) Listen(deliver func(data []byte)) {
	b.listens = true
	go func() {
		defer close(b.done)
		for {
			select {
			case m := <-b.in:
				deliver(m.Data)
			case <-b.stop:
				return
			}
		}
	}()
}

// Publish sends data to the subject's subscribers.
func (b *Bus) Publish(subject string, data []byte) error { return b.conn.Publish(subject, data) }

// Subscribe asks for a subject. All subjects share one channel: a goroutine each
// would cost a large server more than its swarms do.
func (b *Bus) Subscribe(subject string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subjects[subject] != nil {
		return nil
	}
	s, err := b.conn.ChanSubscribe(subject, b.in)
	if err != nil {
		return err
	}
	b.subjects[subject] = s
	return nil
}

// Unsubscribe ends a subscription.
func (b *Bus) Unsubscribe(subject string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.subjects[subject]
	if s == nil {
		return nil
	}
	delete(b.subjects, subject)
	return s.Unsubscribe()
}

// Connected says whether NATS is reached.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// Close disconnects, ends the embedded server, and waits for what it started.
func (b *Bus) Close() error {
	b.conn.FlushTimeout(time.Second) // the good-bye of the server
	b.conn.Close()
	close(b.stop)
	if b.listens {
		<-b.done
	}
	b.shutEmbedded()
	return nil
}

func (b *Bus) shutEmbedded() {
	if b.embedded != nil {
		b.embedded.Shutdown()
		b.embedded.WaitForShutdown()
	}
}
