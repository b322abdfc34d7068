module mcsim

go 1.26
