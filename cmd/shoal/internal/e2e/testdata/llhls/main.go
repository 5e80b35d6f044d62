// Command llhls serves the H.264 and AAC of an MPEG transport stream on standard
// input as low-latency HLS, by gohlslib, on a free loopback port. It prints the
// multivariant playlist's URL and ends with its input.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

const (
	segment = 2 * time.Second
	part    = 500 * time.Millisecond
	window  = 10 // segments listed
	clock   = 90_000
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func serve(in io.Reader, out io.Writer) error {
	reader := &mpegts.Reader{R: bufio.NewReader(in)}
	if err := reader.Initialize(); err != nil {
		return fmt.Errorf("llhls: the input is no transport stream: %w", err)
	}
	muxer := &gohlslib.Muxer{
		Variant: gohlslib.MuxerVariantLowLatency, SegmentCount: window,
		SegmentMinDuration: segment, PartMinDuration: part,
	}
	wall := since{}
	for _, track := range reader.Tracks() {
		switch codec := track.Codec.(type) {
		case *tscodecs.H264:
			t := &gohlslib.Track{Codec: &codecs.H264{}, ClockRate: clock}
			muxer.Tracks = append(muxer.Tracks, t)
			reader.OnDataH264(track, func(pts, _ int64, unit [][]byte) error {
				return muxer.WriteH264(t, wall.at(pts), pts, unit)
			})
		case *tscodecs.MPEG4Audio:
			rate := codec.Config.SampleRate
			t := &gohlslib.Track{Codec: &codecs.MPEG4Audio{Config: codec.Config}, ClockRate: rate}
			muxer.Tracks = append(muxer.Tracks, t)
			reader.OnDataMPEG4Audio(track, func(pts int64, units [][]byte) error {
				return muxer.WriteMPEG4Audio(t, wall.at(pts), pts*int64(rate)/clock, units)
			})
		}
	}
	if err := muxer.Start(); err != nil {
		return fmt.Errorf("llhls: %w", err)
	}
	defer muxer.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("llhls: %w", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(muxer.Handle), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Fprintf(out, "http://%s/index.m3u8\n", listener.Addr())
	for err == nil {
		err = reader.Read()
	}
	server.Close()
	<-ended
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// since maps the stream's clock to the wall's: one anchor for all tracks, so that
// EXT-X-PROGRAM-DATE-TIME goes on evenly.
type since struct {
	wall time.Time
	pts  int64
}

func (s *since) at(pts int64) time.Time {
	if s.wall.IsZero() {
		s.wall, s.pts = time.Now(), pts
	}
	return s.wall.Add(time.Duration(pts-s.pts) * time.Second / clock)
}
