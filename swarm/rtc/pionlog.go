package rtc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLog hands pion's log to ours. Its warnings are every peer's everyday
// (a candidate that does not answer), so all of it is debug output.
type pionLog struct{ log *slog.Logger }

func (p pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{p.log.With("pion", scope)}
}

type pionLogger struct{ log *slog.Logger }

func (l pionLogger) on() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

func (l pionLogger) print(msg string) {
	if l.on() {
		l.log.Debug(msg)
	}
}

func (l pionLogger) printf(format string, args ...any) {
	if l.on() {
		l.log.Debug(fmt.Sprintf(format, args...))
	}
}

// Trace output describes single packets; nobody reads it through us.
func (l pionLogger) Trace(string)          {}
func (l pionLogger) Tracef(string, ...any) {}

func (l pionLogger) Debug(msg string)                  { l.print(msg) }
func (l pionLogger) Debugf(format string, args ...any) { l.printf(format, args...) }
func (l pionLogger) Info(msg string)                   { l.print(msg) }
func (l pionLogger) Infof(format string, args ...any)  { l.printf(format, args...) }
func (l pionLogger) Warn(msg string)                   { l.print(msg) }
func (l pionLogger) Warnf(format string, args ...any)  { l.printf(format, args...) }
func (l pionLogger) Error(msg string)                  { l.print(msg) }
func (l pionLogger) Errorf(format string, args ...any) { l.printf(format, args...) }
