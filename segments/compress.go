package segments

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"
)

// ErrCompressed is wrapped by errors about payloads that do not inflate to a
// piece.
var ErrCompressed = errors.New("segments: bad compressed piece")

// minSaving is the share 1/minSaving of the first piece's bytes that deflate
// must save before a segment is kept compressed. Less is not worth inflating
// for every player.
const minSaving = 8

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// CompressPiece deflates one piece (raw, RFC 1951). ok is false, and payload
// nil, when that saves nothing.
func CompressPiece(piece []byte) (payload []byte, ok bool) {
	if len(piece) == 0 {
		return nil, false
	}
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	if _, err := w.Write(piece); err != nil {
		return nil, false
	}
	if err := w.Close(); err != nil || out.Len() >= len(piece) {
		return nil, false
	}
	return bytes.Clone(out.Bytes()), true
}

// DecompressPiece inflates what CompressPiece made. Payloads and results above
// PieceSize are refused (ErrTooLarge), and so is anything after the deflate
// stream (ErrCompressed): of a piece there is one form only.
func DecompressPiece(payload []byte) ([]byte, error) {
	if len(payload) > PieceSize {
		return nil, fmt.Errorf("%w: compressed piece of %d bytes, the limit is %d", ErrTooLarge, len(payload), PieceSize)
	}
	in := bytes.NewReader(payload)
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	piece := make([]byte, PieceSize+1)
	n, err := io.ReadFull(r, piece)
	switch {
	case err == nil:
		return nil, fmt.Errorf("%w: piece inflates to more than %d bytes", ErrTooLarge, PieceSize)
	case err == io.EOF:
		return nil, fmt.Errorf("%w: it is empty", ErrCompressed)
	case err != io.ErrUnexpectedEOF:
		return nil, fmt.Errorf("%w: at byte %d: %w", ErrCompressed, n, err)
	}
	// ReadFull reports a stream cut short and one that ends early alike; one
	// more read tells them apart.
	if _, err := r.Read(piece[n:]); err != io.EOF {
		return nil, fmt.Errorf("%w: the stream is cut short after %d bytes", ErrCompressed, n)
	}
	if in.Len() > 0 {
		return nil, fmt.Errorf("%w: %d bytes after its end", ErrCompressed, in.Len())
	}
	return piece[:n:n], nil
}

// textLike reports whether a trial compression is worth its time.
func textLike(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+json") {
		return true
	}
	switch t {
	case "application/json", "application/xml", "application/javascript", "application/x-javascript",
		"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl",
		"application/wasm", "font/ttf", "font/otf":
		return true
	}
	return false
}

// packed is a piece as it is kept and sent.
type packed struct {
	payload    []byte
	compressed bool
}

// pack compresses data piece by piece, or returns nil when the trial on the
// first piece does not pay.
func pack(contentType string, data []byte) []packed {
	if len(data) == 0 || !textLike(contentType) {
		return nil
	}
	first := data[:min(PieceSize, len(data))]
	trial, ok := CompressPiece(first)
	if !ok || len(trial) > len(first)-len(first)/minSaving {
		return nil
	}
	pieces := make([]packed, 0, PieceCount(int64(len(data))))
	pieces = append(pieces, packed{trial, true})
	for rest := data[len(first):]; len(rest) > 0; {
		piece := rest[:min(PieceSize, len(rest))]
		rest = rest[len(piece):]
		if payload, ok := CompressPiece(piece); ok {
			pieces = append(pieces, packed{payload, true})
		} else {
			// A copy, so that the identity buffer can be freed.
			pieces = append(pieces, packed{bytes.Clone(piece), false})
		}
	}
	return pieces
}
