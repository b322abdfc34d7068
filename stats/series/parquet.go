package series

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"mcsim/stats"
)

// groupCells is how many values a row group holds: it bounds what is buffered.
const groupCells = 1 << 20

// parquetFile writes a row group of flat, required columns: from, to and the
// counters as unsigned integers of 64 bits, ratios as doubles.
type parquetFile struct {
	out   io.Writer
	w     *parquet.GenericWriter[any]
	at    []int // values
	to    []int // the column of each value in at
	first [2]int
	row   parquet.Row
}

// NewParquet returns an output as a Parquet file, compressed by zstd.
func NewParquet(w io.Writer) Output { return &parquetFile{out: w} }

func (p *parquetFile) begin(grown *stats.Snapshot) {
	p.at = columns(grown)
	nodes := parquet.Group{"from": parquet.Uint(64), "to": parquet.Uint(64)}
	for _, i := range p.at {
		v := &grown.Values[i]
		nodes[v.Name] = parquet.Uint(64)
		if v.Float {
			nodes[v.Name] = parquet.Leaf(parquet.DoubleType)
		}
	}
	schema := parquet.NewSchema("intervals", nodes)
	column := map[string]int{} // a group sorts its columns
	for i, path := range schema.Columns() {
		column[path[0]] = i
	}
	p.first = [2]int{column["from"], column["to"]}
	for _, i := range p.at {
		p.to = append(p.to, column[grown.Values[i].Name])
	}
	p.row = make(parquet.Row, len(column))
	p.w = parquet.NewGenericWriter[any](p.out, schema, parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(int64(max(1, groupCells/len(column)))))
}

func (p *parquetFile) Write(from, to uint64, grown *stats.Snapshot) error {
	if p.w == nil {
		p.begin(grown)
	}
	set := func(column int, v parquet.Value) { p.row[column] = v.Level(0, 0, column) }
	set(p.first[0], parquet.Int64Value(int64(from)))
	set(p.first[1], parquet.Int64Value(int64(to)))
	for n, i := range p.at {
		if v := &grown.Values[i]; v.Float {
			set(p.to[n], parquet.DoubleValue(v.F))
		} else {
			set(p.to[n], parquet.Int64Value(int64(v.U)))
		}
	}
	_, err := p.w.WriteRows([]parquet.Row{p.row})
	return err
}

func (p *parquetFile) Close() error {
	if p.w == nil { // a run of no cycles has no rows, and its file no columns but these
		p.w = parquet.NewGenericWriter[any](p.out, parquet.NewSchema("intervals", parquet.Group{"from": parquet.Uint(64), "to": parquet.Uint(64)}))
	}
	return p.w.Close()
}
