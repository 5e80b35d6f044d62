package tracker

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// hash is an info hash or a peer id.
type hash [20]byte

// The text form is a "binary string": one character of U+0000 to U+00FF for each
// byte, which is what JavaScript makes of bytes.

func (h hash) MarshalJSON() ([]byte, error) {
	r := make([]rune, len(h))
	for i, b := range h {
		r[i] = rune(b)
	}
	return json.Marshal(string(r))
}

func (h *hash) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	n := 0
	for _, r := range s {
		if n == len(h) || r > 0xff {
			return errHash
		}
		h[n] = byte(r)
		n++
	}
	if n != len(h) {
		return errHash
	}
	return nil
}

var errHash = errors.New("want 20 characters of U+0000 to U+00FF")

// hashes is one info hash or a list of them.
type hashes []hash

func (h *hashes) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]hash)(h))
	}
	*h = make(hashes, 1)
	return json.Unmarshal(b, &(*h)[0])
}

// offer is one of an announce. Both values are the clients' own business and are
// passed on as they are.
type offer struct {
	Offer json.RawMessage `json:"offer"`
	ID    json.RawMessage `json:"offer_id"`
}

// request is what a client says. Unknown fields are ignored.
type request struct {
	Action   string          `json:"action"`
	InfoHash hashes          `json:"info_hash"`
	PeerID   *hash           `json:"peer_id"`
	Event    string          `json:"event"`
	Left     json.RawMessage `json:"left"` // a number, null (Infinity) or missing
	Offers   []offer         `json:"offers"`
	Answer   json.RawMessage `json:"answer"`
	ToPeerID *hash           `json:"to_peer_id"`
	OfferID  json.RawMessage `json:"offer_id"`
}

const (
	actionAnnounce = "announce"
	actionScrape   = "scrape"
)

var events = map[string]bool{"": true, "empty": true, "update": true, "started": true, "completed": true, "stopped": true, "paused": true}

// parse reads one message. Invalid UTF-8 is refused: parts are passed on as they
// are, and a browser drops a websocket that brings such text (RFC 6455 §8.1).
func parse(b []byte) (*request, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("not UTF-8")
	}
	var q request
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, fmt.Errorf("not a request: %w", err)
	}
	switch q.Action {
	case actionAnnounce:
		if len(q.InfoHash) != 1 {
			return nil, errors.New("invalid info_hash")
		}
		if q.PeerID == nil {
			return nil, errors.New("invalid peer_id")
		}
		if q.answers() && q.ToPeerID == nil {
			return nil, errors.New("invalid `to_peer_id` (required with `answer`)")
		}
		if !events[q.Event] {
			return nil, errors.New("invalid event")
		}
	case actionScrape:
		if len(q.InfoHash) == 0 {
			return nil, errors.New("invalid info_hash")
		}
	default:
		return nil, errors.New("invalid action")
	}
	return &q, nil
}

// answers says whether there is an answer in it. Clients may send a null.
func (q *request) answers() bool { return present(q.Answer) }

func present(v json.RawMessage) bool { return len(v) > 0 && string(v) != "null" }

// complete says whether the client has everything: left is the number 0.
func (q *request) complete() bool {
	var left float64
	return present(q.Left) && json.Unmarshal(q.Left, &left) == nil && left == 0
}

// announced is the answer to an announce.
type announced struct {
	Action     string `json:"action"`
	InfoHash   hash   `json:"info_hash"`
	Interval   int    `json:"interval"` // seconds
	Complete   int    `json:"complete"`
	Incomplete int    `json:"incomplete"`
}

// passed is an offer or an answer on its way to another client.
type passed struct {
	Action   string          `json:"action"`
	Offer    json.RawMessage `json:"offer,omitempty"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	OfferID  json.RawMessage `json:"offer_id,omitempty"`
	PeerID   hash            `json:"peer_id"`
	InfoHash hash            `json:"info_hash"`
}

// failure is the answer to what cannot be done.
type failure struct {
	Action   string `json:"action,omitempty"`
	Reason   string `json:"failure reason"`
	InfoHash *hash  `json:"info_hash,omitempty"`
}

// scraped is the answer to a scrape.
type scraped struct {
	Action string           `json:"action"`
	Files  map[string]count `json:"files"` // by info hash as a binary string
	Flags  struct {
		Interval int `json:"min_request_interval"` // seconds
	} `json:"flags"`
}

type count struct {
	Complete   int `json:"complete"`
	Incomplete int `json:"incomplete"`
	Downloaded int `json:"downloaded"`
}

// text is the binary string of h.
func (h hash) text() string {
	r := make([]rune, len(h))
	for i, b := range h {
		r[i] = rune(b)
	}
	return string(r)
}

// encode never fails: what was read as JSON is JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("tracker: " + err.Error())
	}
	return b
}
