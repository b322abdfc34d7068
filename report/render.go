package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"mcsim/stats"
)

//go:embed page.html page.css page.js uplot/uPlot.iife.min.js uplot/uPlot.min.css uplot/LICENSE
var assets embed.FS

var page = template.Must(template.ParseFS(assets, "page.html"))

// section is a part of the page with a heading.
type section struct {
	ID, Title string
	Charts    []chart
	Tables    []*table
}

// fact is one of the numbers at the top.
type fact struct{ Name, Value string }

type view struct {
	Title, Subtitle string
	Error           string
	Notes           []string
	Facts           []fact
	Sections        []section
	Counters        []table
	Config          string
	Charts          template.JS // JSON, which html/template would quote as a string
	Style, Script   any
	Licence         string
	Version         string
}

// Render writes the page.
func Render(w io.Writer, r *Run) error {
	v := view{Title: r.title(), Subtitle: r.subtitle(), Error: r.Info.Error, Notes: r.Notes, Version: r.Info.Version}
	v.Facts = r.facts()
	v.sections(r)
	if r.Stats != nil {
		v.Counters = counters(r.Stats)
	}
	if len(r.Config) > 0 {
		var b bytes.Buffer
		if err := json.Indent(&b, r.Config, "", "  "); err != nil {
			return fmt.Errorf("report: the configuration: %w", err)
		}
		v.Config = b.String()
	}
	charts := []chart{}
	for _, s := range v.Sections {
		charts = append(charts, s.Charts...)
	}
	data, err := json.Marshal(charts) // escapes <, > and &, so that no text ends the script
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	v.Charts = template.JS(data)
	style, script := "", ""
	for _, name := range []string{"uplot/uPlot.min.css", "page.css"} {
		style += asset(name)
	}
	for _, name := range []string{"uplot/uPlot.iife.min.js", "page.js"} {
		script += asset(name) + "\n"
	}
	v.Style, v.Script, v.Licence = template.CSS(style), template.JS(script), asset("uplot/LICENSE")
	return page.Execute(w, v)
}

// asset returns an embedded file, which the build has seen.
func asset(name string) string {
	b, err := assets.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (v *view) sections(r *Run) {
	if r.Series != nil && len(r.Series.From) > 0 {
		all := newOverTime(r.Series, r.Info.regions()).charts()
		var misses, traffic section
		misses = section{ID: "misses", Title: "Misses over time"}
		traffic = section{ID: "traffic-section", Title: "Traffic and throughput over time"}
		for _, c := range all {
			if len(c.ID) > 5 && c.ID[:5] == "miss-" {
				misses.Charts = append(misses.Charts, c)
			} else {
				traffic.Charts = append(traffic.Charts, c)
			}
		}
		v.add(misses)
		if r.Stats != nil {
			traffic.table(busTraffic(r.Stats))
		}
		v.add(traffic)
	} else if r.Stats != nil {
		s := section{ID: "traffic-section", Title: "Traffic"}
		s.table(busTraffic(r.Stats))
		v.add(s)
	}
	if r.Stats != nil {
		s := section{ID: "vms", Title: "Virtual machines"}
		s.table(slowdowns(r.Stats, &r.Info))
		v.add(s)
	}
	threads := section{ID: "threads", Title: "Threads"}
	if r.Threads != nil && len(r.Threads.From) > 0 {
		threads.Charts = threadCharts(r.Threads, r.Series)
	}
	if r.Stats != nil {
		threads.table(threadTable(r.Stats))
	}
	v.add(threads)
	if r.Trace != nil {
		s := section{ID: "trace", Title: "The trace", Charts: traceCharts(r.Trace)}
		s.Tables = sharing(r.Trace)
		v.add(s)
	}
}

func (s *section) table(t *table) {
	if t != nil {
		s.Tables = append(s.Tables, t)
	}
}

func (v *view) add(s section) {
	if len(s.Charts)+len(s.Tables) > 0 {
		v.Sections = append(v.Sections, s)
	}
}

func (r *Run) title() string {
	switch {
	case r.Info.Program != "":
		return r.Info.Program
	}
	return r.Name
}

// machineOf is what of a configuration is worth a line.
type machineOf struct {
	Machine struct {
		Harts    int    `json:"harts"`
		Protocol string `json:"protocol"`
		Quantum  int    `json:"quantum"`
	} `json:"machine"`
}

func (r *Run) subtitle() string {
	var c machineOf
	if len(r.Config) == 0 || json.Unmarshal(r.Config, &c) != nil || c.Machine.Harts == 0 {
		return ""
	}
	harts := "harts"
	if c.Machine.Harts == 1 {
		harts = "hart"
	}
	return fmt.Sprintf("%d %s, %s, quantum %d, seed %d", c.Machine.Harts, harts, c.Machine.Protocol, c.Machine.Quantum, r.Info.Seed)
}

// facts are the first numbers that people look for.
func (r *Run) facts() []fact {
	var out []fact
	if s := r.Stats; s != nil {
		value := func(name, label string) {
			if v, ok := s.Get(name); ok {
				out = append(out, fact{label, stats.Human(v, v.Unit)})
			}
		}
		value("sim.cycles", "cycles")
		value("sim.instructions", "instructions")
		if c, ok := s.Get("sim.cycles"); ok && c.U > 0 {
			if i, ok := s.Get("sim.instructions"); ok {
				out = append(out, fact{"instructions per cycle", fmt.Sprintf("%.2f", i.F/c.F)})
			}
		}
		if rate, ok := ratioOf(s, "l1d.misses", "l1d.accesses"); ok {
			out = append(out, fact{"L1D misses", rate})
		}
		value("llc.miss_rate", "LLC misses")
		if r.Info.Reason != "" {
			end := r.Info.Reason
			if end == "exit" {
				end = fmt.Sprintf("exit code %d", r.Info.ExitCode)
			}
			out = append(out, fact{"ended by", end})
		}
	}
	if t := r.Trace; t != nil {
		out = append(out, fact{"references in the trace", human(float64(t.References))}, fact{"its threads", human(float64(len(t.Threads)))},
			fact{"its lines of data", human(t.Data.Lines)})
	}
	return out
}

// ratioOf sums two counters of all harts.
func ratioOf(s *stats.Snapshot, num, den string) (string, bool) {
	a, b := 0.0, 0.0
	for i := 0; ; i++ {
		n, ok := s.Get(fmt.Sprintf("harts[%d].%s", i, num))
		if !ok {
			break
		}
		d, _ := s.Get(fmt.Sprintf("harts[%d].%s", i, den))
		a, b = a+n.F, b+d.F
	}
	if b == 0 {
		return "", false
	}
	return fmt.Sprintf("%.2f%%", 100*a/b), true
}
