// Package log writes events as JSON lines, through zap's encoder:
//
//	{"level":"info","event":"trap","category":"trap","cycle":1042,"hart":0,"vm":0,"cause":"ecall-m",...}
//
// Every line has level, event, category, cycle, hart and vm, then the event's
// own fields under the names of its row in package event. Addresses are
// strings in hex, since JSON's numbers are no place for 64 bits. There is no
// time of day and no sampling: equal runs write equal bytes.
//
// A Writer belongs to the machine's serial phase. The first error of the
// underlying writer is kept and told by Err, Flush and Close.
package log

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"mcsim/event"
)

// Options say what is written.
type Options struct {
	Level event.Level      // and above
	Only  []event.Category // none: all but single instructions
	Limit uint64           // bytes after which nothing more is written; 0: no limit
}

// Names gives names to an argument's numbers.
type Names map[event.Format]func(uint64) string

// Writer writes events to one stream.
type Writer struct {
	filter event.Filter
	core   zapcore.Core
	buf    *bufio.Writer
	out    io.Writer
	names  [event.NumFormats]func(uint64) string
	fields []zapcore.Field
	room   uint64 // bytes left; none means that the log has ended
	count  uint64 // bytes written, with those before a checkpoint
	err    error
}

// bufferBytes is how much is collected before the underlying writer sees it.
const bufferBytes = 256 << 10

// New makes a writer. Flush or Close it; Close closes w if it is an io.Closer.
func New(w io.Writer, o Options) *Writer {
	buf := bufio.NewWriterSize(w, bufferBytes)
	if o.Limit == 0 {
		o.Limit = math.MaxUint64
	}
	enc := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		LevelKey:       "level",
		MessageKey:     "event",
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.NanosDurationEncoder,
	})
	l := &Writer{filter: event.NewFilter(o.Level, o.Only...), buf: buf, out: w, room: o.Limit}
	// Not zap's BufferedWriteSyncer: that flushes by the wall clock.
	l.core = zapcore.NewCore(enc, zapcore.AddSync((*counted)(l)), zapcore.DebugLevel)
	l.names[event.Cause] = event.CauseName
	l.names[event.Mode] = event.ModeName
	l.names[event.Marker] = event.MarkerName
	l.names[event.Packed] = event.PackedName
	return l
}

// Filter is what the machine's buffers should collect.
func (l *Writer) Filter() event.Filter { return l.filter }

// SetNames names the numbers of formats that package event does not know, such
// as the states of the protocol that runs.
func (l *Writer) SetNames(n Names) {
	for f, name := range n {
		l.names[f] = name
	}
}

// Begin writes the line that lets anyone repeat the run: version and seed and
// the whole configuration, which must have a fixed order in JSON. It passes
// every filter.
func (l *Writer) Begin(version string, seed uint64, config any) {
	l.write(zapcore.InfoLevel, "config", append(l.start(event.Run, 0, -1, 0),
		zap.String("version", version), zap.Uint64("seed", seed), zap.Reflect("config", config)))
}

// Write writes an event, if the filter wants its kind.
func (l *Writer) Write(e *event.Event) {
	if l.room == 0 || !l.filter.Wants(e.Kind) {
		return
	}
	d := e.Kind.Describe()
	fields := l.start(d.Category, e.Cycle, e.Hart, e.VM)
	for i, a := range d.Args {
		if a.Format == event.None {
			break
		}
		fields = append(fields, l.field(a, e.Arg[i]))
	}
	l.write(zapLevel(d.Level), d.Name, fields)
	if l.room == 0 {
		l.write(zapcore.WarnLevel, "log-full", l.start(event.Run, e.Cycle, -1, 0))
	}
}

// Cut says that the log does not have what happened from cycle on, so many events. It
// passes every filter.
func (l *Writer) Cut(cycle uint64, events int) {
	if l.room > 0 {
		l.write(zapcore.WarnLevel, "log-cut", append(l.start(event.Run, cycle, -1, 0), zap.Int("count", events)))
	}
}

// Written is how many bytes were written, in the buffer or out of it, and before a
// checkpoint.
func (l *Writer) Written() uint64 { return l.count }

// Resume says that the log goes on after that many bytes, in a file of its own:
// they count against the limit.
func (l *Writer) Resume(written uint64) {
	l.count += written
	l.room -= min(l.room, written)
}

// counted is the Writer as zap sees it: the buffer, with its room counted.
type counted Writer

func (c *counted) Write(p []byte) (int, error) {
	c.room -= min(c.room, uint64(len(p)))
	c.count += uint64(len(p))
	return c.buf.Write(p)
}

func (l *Writer) start(c event.Category, cycle uint64, hart, vm int16) []zapcore.Field {
	return append(l.fields[:0], zap.String("category", c.String()), zap.Uint64("cycle", cycle),
		zap.Int16("hart", hart), zap.Int16("vm", vm))
}

func (l *Writer) write(level zapcore.Level, name string, fields []zapcore.Field) {
	l.fields = fields[:0]
	if err := l.core.Write(zapcore.Entry{Level: level, Message: name}, fields); err != nil && l.err == nil {
		l.err = fmt.Errorf("log: %w", err)
	}
}

func (l *Writer) field(a event.Arg, v uint64) zapcore.Field {
	if name := l.names[a.Format]; name != nil {
		return zap.String(a.Name, name(v))
	}
	switch a.Format {
	case event.Signed:
		return zap.Int64(a.Name, int64(v))
	case event.Hex:
		return zap.String(a.Name, "0x"+strconv.FormatUint(v, 16))
	case event.Bool:
		return zap.Bool(a.Name, v != 0)
	default:
		return zap.Uint64(a.Name, v)
	}
}

func zapLevel(l event.Level) zapcore.Level {
	return [...]zapcore.Level{event.Debug: zapcore.DebugLevel, event.Info: zapcore.InfoLevel, event.Warn: zapcore.WarnLevel}[l]
}

// Err is the first error of writing; a machine that sees one may stop.
func (l *Writer) Err() error { return l.err }

// Flush hands everything to the underlying writer.
func (l *Writer) Flush() error {
	if err := l.buf.Flush(); err != nil && l.err == nil {
		l.err = fmt.Errorf("log: %w", err)
	}
	return l.err
}

// Close flushes, and closes the underlying writer if it can be closed.
func (l *Writer) Close() error {
	err := l.Flush()
	if c, ok := l.out.(io.Closer); ok {
		if e := c.Close(); e != nil && err == nil {
			err = fmt.Errorf("log: %w", e)
		}
	}
	return err
}
