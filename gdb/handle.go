package gdb

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const failed = "E01"

// handle carries out one packet. It returns true if the run is to go on.
func (s *Server) handle(p string) (resume bool) {
	if p == "" {
		s.send("")
		return false
	}
	arg := p[1:]
	switch p[0] {
	case '?':
		s.send(s.stopReply())
	case 'g':
		s.send(s.allRegisters())
	case 'G':
		s.send(s.setAllRegisters(arg))
	case 'p':
		s.send(s.register(arg))
	case 'P':
		s.send(s.setRegister(arg))
	case 'm':
		s.send(s.memory(arg))
	case 'M', 'X':
		s.send(s.setMemory(arg, p[0] == 'X'))
	case 'H':
		s.send(s.selectThread(arg))
	case 'T':
		_, ok := s.threadID(arg)
		s.send(okOr(ok))
	case 'Z', 'z':
		s.send(s.point(p[0] == 'Z', arg))
	case 'q', 'Q':
		s.send(s.query(p))
	case 'v':
		return s.vPacket(p)
	case 'c', 's', 'C', 'S':
		return s.resumeOld(p)
	case 'D':
		s.send("OK")
		s.drop()
		s.disarm()
		return true
	case 'k':
		return s.kill()
	default:
		s.send("")
	}
	return false
}

func okOr(ok bool) string {
	if ok {
		return "OK"
	}
	return failed
}

func (s *Server) kill() bool {
	s.killed = true
	s.target.Kill()
	s.drop()
	s.disarm()
	return true
}

// disarm makes every thread run on without stopping.
func (s *Server) disarm() {
	for t := range s.target.Threads() {
		s.target.Arm(t, nil, nil, false, false, false)
	}
}

func (s *Server) allRegisters() string {
	var b []byte
	for r := range RegPC + 1 {
		v, _ := s.target.ReadRegister(s.thread, r)
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return hex.EncodeToString(b)
}

func (s *Server) setAllRegisters(arg string) string {
	b, err := hex.DecodeString(arg)
	if err != nil || len(b) < 8*(RegPC+1) {
		return failed
	}
	for r := 1; r <= RegPC; r++ {
		v := binary.LittleEndian.Uint64(b[8*r:])
		if old, _ := s.target.ReadRegister(s.thread, r); old != v && !s.target.WriteRegister(s.thread, r, v) {
			return failed
		}
	}
	return "OK"
}

func (s *Server) register(arg string) string {
	n, err := strconv.ParseUint(arg, 16, 16)
	if err != nil || n >= numRegs {
		return failed
	}
	v, ok := s.target.ReadRegister(s.thread, int(n))
	if !ok {
		return failed
	}
	return hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, v))
}

func (s *Server) setRegister(arg string) string {
	reg, value, ok := strings.Cut(arg, "=")
	n, err := strconv.ParseUint(reg, 16, 16)
	b, err2 := hex.DecodeString(value)
	if !ok || err != nil || err2 != nil || n >= numRegs || len(b) < 1 || len(b) > 8 {
		return failed
	}
	b = append(b, make([]byte, 8-len(b))...)
	return okOr(s.target.WriteRegister(s.thread, int(n), binary.LittleEndian.Uint64(b)))
}

// span reads ADDR,LENGTH in hex, up to what a packet can hold.
func span(arg string) (addr uint64, n int, ok bool) {
	a, l, found := strings.Cut(arg, ",")
	addr, err := strconv.ParseUint(a, 16, 64)
	length, err2 := strconv.ParseUint(l, 16, 32)
	return addr, int(length), found && err == nil && err2 == nil && length <= maxPacket
}

func (s *Server) memory(arg string) string {
	addr, n, ok := span(arg)
	if !ok {
		return failed
	}
	b := make([]byte, min(n, maxPacket/2))
	got := s.target.ReadMemory(s.thread, addr, b)
	if got == 0 && n > 0 {
		return failed
	}
	return hex.EncodeToString(b[:got])
}

func (s *Server) setMemory(arg string, binary bool) string {
	where, data, found := strings.Cut(arg, ":")
	addr, n, ok := span(where)
	b := []byte(data)
	if !binary {
		var err error
		if b, err = hex.DecodeString(data); err != nil {
			return failed
		}
	}
	if !found || !ok || len(b) != n {
		return failed
	}
	return okOr(n == 0 || s.target.WriteMemory(s.thread, addr, b))
}

// threadID reads a thread's number; -1 and 0 stand for all and any.
func (s *Server) threadID(arg string) (thread int, ok bool) {
	if strings.HasPrefix(arg, "p") { // p1.2: there is one process
		_, arg, _ = strings.Cut(arg, ".")
	}
	if arg == "-1" || arg == "0" {
		return -1, true
	}
	n, err := strconv.ParseUint(arg, 16, 16)
	return int(n) - 1, err == nil && n >= 1 && int(n) <= s.target.Threads()
}

func (s *Server) selectThread(arg string) string {
	if len(arg) < 2 {
		return failed
	}
	t, ok := s.threadID(arg[1:])
	if ok && t >= 0 && arg[0] == 'g' {
		s.thread = t
	}
	return okOr(ok)
}

// point sets or removes a breakpoint or watchpoint.
func (s *Server) point(set bool, arg string) string {
	kind, where, _ := strings.Cut(arg, ",")
	where, _, _ = strings.Cut(where, ";")
	addr, n, ok := span(where)
	if !ok {
		return failed
	}
	const most = 1000
	if set && len(s.breaks)+len(s.watches) >= most {
		return failed
	}
	switch kind {
	case "0", "1":
		count(s.breaks, addr, set)
	case "2", "3", "4":
		if n < 1 || n > 4096 {
			return failed
		}
		count(s.watches, Watch{addr, uint64(n), kind != "2", kind != "3"}, set)
	default:
		return ""
	}
	return "OK"
}

func count[K comparable](m map[K]int, k K, up bool) {
	if up {
		m[k]++
	} else if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

// vPacket handles vCont, vKill and vMustReplyEmpty.
func (s *Server) vPacket(p string) bool {
	switch {
	case p == "vCont?":
		s.send("vCont;c;C;s;S")
	case strings.HasPrefix(p, "vCont;"):
		return s.vCont(strings.Split(p[len("vCont;"):], ";"))
	case strings.HasPrefix(p, "vKill"):
		s.send("OK")
		return s.kill()
	default:
		s.send("")
	}
	return false
}

// vCont resumes threads: each by the first action that names it or all.
func (s *Server) vCont(actions []string) bool {
	do := make([]byte, s.target.Threads())
	for _, a := range actions {
		what, id, named := strings.Cut(a, ":")
		t := -1
		if named {
			var ok bool
			if t, ok = s.threadID(id); !ok {
				s.send(failed)
				return false
			}
		}
		if what == "" || !strings.ContainsRune("cCsS", rune(what[0])) {
			s.send(failed)
			return false
		}
		for i := range do {
			if do[i] == 0 && (t < 0 || t == i) {
				do[i] = what[0] | 0x20
			}
		}
	}
	return s.resume(do)
}

// resumeOld is c and s, for all threads and for the current one.
func (s *Server) resumeOld(p string) bool {
	do := make([]byte, s.target.Threads())
	if p[0]|0x20 == 's' {
		do[s.thread] = 's'
	} else {
		for i := range do {
			do[i] = 'c'
		}
	}
	return s.resume(do)
}

// resume lets threads go on. One that is not to go on moves all the same if another's
// instruction has to wait for the bus, since time is common. Those that are to go on go
// first, and where another comes to a breakpoint it is held there: GDB fails where another
// thread stops while it leads one over a breakpoint. It keeps the breakpoints that were
// there when everything ran last: GDB takes out the one to be stepped over, and puts in
// those where the step ends.
func (s *Server) resume(do []byte) bool {
	now := slices.Sorted(maps.Keys(s.breaks))
	// In an order of their own: where several cover an access, the first is told.
	watches := slices.SortedFunc(maps.Keys(s.watches), Watch.compare)
	all := !slices.Contains(do, 0)
	for t, what := range do {
		list := now
		if what == 0 {
			list = s.before
		}
		s.target.Arm(t, list, watches, what == 's', what == 's' || what != 0 && !all, what == 0)
	}
	if all {
		s.before = now
	}
	return true
}

// features is the answer to qSupported.
const features = "PacketSize=4000;qXfer:features:read+;vContSupported+;QStartNoAckMode+"

func (s *Server) query(p string) string {
	name, arg, _ := strings.Cut(p, ":")
	switch {
	case name == "qSupported":
		return features
	case p == "QStartNoAckMode":
		s.s.noAck.Store(true)
		return "OK"
	case p == "qC":
		return fmt.Sprintf("QC%x", s.last.Thread+1)
	case p == "qAttached":
		return "1"
	case p == "qfThreadInfo":
		ids := make([]string, s.target.Threads())
		for i := range ids {
			ids[i] = strconv.FormatInt(int64(i)+1, 16)
		}
		return "m" + strings.Join(ids, ",")
	case p == "qsThreadInfo":
		return "l"
	case p == "qSymbol::":
		return "OK"
	case strings.HasPrefix(p, "qThreadExtraInfo,"):
		t, ok := s.threadID(p[len("qThreadExtraInfo,"):])
		if !ok || t < 0 {
			return failed
		}
		return hex.EncodeToString([]byte(s.target.State(t)))
	case strings.HasPrefix(p, "qRcmd,"):
		b, err := hex.DecodeString(p[len("qRcmd,"):])
		if err != nil {
			return failed
		}
		out := s.target.Monitor(string(b))
		if out == "" {
			return "OK"
		}
		return hex.EncodeToString([]byte(out[:min(len(out), maxPacket/2-8)]))
	case name == "qXfer":
		return s.transfer(arg)
	}
	return ""
}

// transfer is qXfer:features:read:target.xml:OFFSET,LENGTH.
func (s *Server) transfer(arg string) string {
	rest, ok := strings.CutPrefix(arg, "features:read:target.xml:")
	off, n, fine := span(rest)
	if !ok || !fine {
		return failed
	}
	text := s.target.Description()
	if off >= uint64(len(text)) {
		return "l"
	}
	text = text[off:]
	if n = min(n, maxPacket/2); len(text) > n {
		return "m" + text[:n]
	}
	return "l" + text
}
