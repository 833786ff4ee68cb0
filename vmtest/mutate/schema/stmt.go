// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

// function is the body of a function: the tokens between its braces.
type function struct {
	name       string
	returns    string // the tokens of its type, joined by spaces
	head       int    // the first token of its declaration
	start, end int
}

// functions finds the functions of a file.
func functions(toks []token) []function {
	var out []function
	decl := 0 // where the current declaration began
	for i := 0; i < len(toks); {
		t := toks[i]
		switch {
		case t.kind == directive || t.text == ";":
			i++
			decl = i
		case t.kind == punct && (t.text == "(" || t.text == "["):
			if i = closing(toks, i, len(toks)); i < 0 {
				return out
			}
		case t.kind == punct && t.text == "{":
			end := closing(toks, i, len(toks))
			if end < 0 {
				return out
			}
			if f, ok := heading(toks, decl, i); ok {
				f.start, f.end = i+1, end-1
				out = append(out, f)
				decl = end
			}
			i = end
		default:
			i++
		}
	}
	return out
}

// heading parses the text before a brace at the top level as the head of a
// function: a type, a name, parameters, and perhaps attributes.
func heading(toks []token, start, brace int) (function, bool) {
	if brace == start || toks[brace-1].text != ")" {
		return function{}, false
	}
	for i := start; i < brace; i++ {
		switch {
		case toks[i].text == "=":
			return function{}, false
		case toks[i].text == "(" && i > start && toks[i-1].text == "__attribute__":
			next := closing(toks, i, brace)
			if next < 0 {
				return function{}, false
			}
			i = next - 1
		case toks[i].text == "(" && i > start && toks[i-1].kind == ident:
			f := function{name: toks[i-1].text, head: start}
			for _, t := range toks[start : i-1] {
				f.returns += t.text + " "
			}
			return f, true
		}
	}
	return function{}, false
}

// statement is a statement of a function body.
type statement struct {
	what       what
	start, end int // without the semicolon
	// exprStart and exprEnd are the condition of an if or a loop, the value of
	// a return or an initialiser, or the whole of an expression.
	exprStart, exprEnd int
	// leaves says that an if has no else and only leaves: return, goto, break
	// or continue.
	leaves bool
}

type what uint8

const (
	expression what = iota
	condition       // of an if
	loop            // the condition of a loop
	result          // return
	initial         // the initialiser of a variable
)

// walker goes through the statements of a function.
type walker struct {
	toks []token
	i    int
	end  int
	bad  bool
	emit func(statement)
}

func (w *walker) peek() string {
	if w.i < w.end {
		return w.toks[w.i].text
	}
	return ""
}

// block walks to the end of the range.
func (w *walker) block() {
	for w.i < w.end && !w.bad {
		w.statement()
	}
}

func (w *walker) group() (start, end int) {
	if w.peek() != "(" {
		w.bad = true
		return w.i, w.i
	}
	start = w.i + 1
	next := closing(w.toks, w.i, w.end)
	if next < 0 {
		w.bad = true
		return w.i, w.i
	}
	w.i = next
	return start, next - 1
}

func (w *walker) statement() {
	t := w.toks[w.i]
	if t.kind == directive {
		w.i++
		return
	}
	switch t.text {
	case ";":
		w.i++
	case "{":
		end := closing(w.toks, w.i, w.end)
		if end < 0 {
			w.bad = true
			return
		}
		inner := walker{toks: w.toks, i: w.i + 1, end: end - 1, emit: w.emit}
		inner.block()
		w.bad = inner.bad
		w.i = end
	case "if":
		w.branch()
	case "while":
		start := w.i
		w.i++
		s, e := w.group()
		w.emit(statement{what: loop, start: start, end: w.i, exprStart: s, exprEnd: e})
		w.body()
	case "for", "switch":
		w.i++
		w.group()
		w.body()
	case "do":
		w.i++
		w.body()
		if w.peek() != "while" {
			w.bad = true
			return
		}
		start := w.i
		w.i++
		s, e := w.group()
		w.emit(statement{what: loop, start: start, end: w.i, exprStart: s, exprEnd: e})
		w.semicolon()
	case "else":
		w.i++
		w.body()
	case "case", "default":
		for w.i < w.end && w.toks[w.i].text != ":" {
			w.i++
		}
		w.i++
	case "goto", "break", "continue", "asm":
		w.semicolon()
	case "return":
		start := w.i
		w.i++
		s := w.i
		w.semicolon()
		w.emit(statement{what: result, start: start, end: w.i - 1, exprStart: s, exprEnd: w.i - 1})
	default:
		w.simple()
	}
}

func (w *walker) body() {
	if !w.bad && w.i < w.end {
		w.statement()
	}
}

func (w *walker) branch() {
	start := w.i
	w.i++
	s, e := w.group()
	st := statement{what: condition, start: start, end: w.i, exprStart: s, exprEnd: e}
	at := w.i
	// The statement itself comes first, before nested ones.
	var nested []statement
	inner := walker{toks: w.toks, i: w.i, end: w.end, bad: w.bad, emit: func(s statement) { nested = append(nested, s) }}
	inner.body()
	w.i, w.bad = inner.i, inner.bad
	st.leaves = w.peek() != "else" && leaves(w.toks[at:w.i])
	w.emit(st)
	for _, n := range nested {
		w.emit(n)
	}
}

// leaves reports whether a body ends by leaving the block that it is in.
func leaves(body []token) bool {
	within := 0 // how many brackets are open where the statements of the body begin
	if len(body) > 0 && body[0].text == "{" {
		within = 1
	}
	last, depth, begins := "", 0, within == 0
	for _, t := range body {
		if begins && depth == within && t.kind != directive && t.text != "}" {
			last = t.text
		}
		begins = false
		switch t.text {
		case "{", "(", "[":
			depth++
			begins = t.text == "{"
		case "}", ")", "]":
			depth--
			begins = t.text == "}"
		case ";":
			begins = true
		}
	}
	return jumps[last]
}

var jumps = map[string]bool{"return": true, "goto": true, "break": true, "continue": true}

// semicolon moves past the next semicolon.
func (w *walker) semicolon() {
	for w.i < w.end && w.toks[w.i].text != ";" {
		switch w.toks[w.i].text {
		case "(", "[", "{":
			next := closing(w.toks, w.i, w.end)
			if next < 0 {
				w.bad = true
				return
			}
			w.i = next
		default:
			w.i++
		}
	}
	if w.i >= w.end {
		w.bad = true
		return
	}
	w.i++
}

// simple reads a label, a loop that is a macro, a declaration or an expression.
func (w *walker) simple() {
	start := w.i
	if w.toks[start].kind == ident && start+1 < w.end {
		switch w.toks[start+1].text {
		case ":":
			w.i += 2
			return
		case "(":
			after := closing(w.toks, start+1, w.end)
			if after < 0 {
				w.bad = true
				return
			}
			if after < w.end && (w.toks[after].text == "{" || w.toks[after].kind == ident) { // list_for_each(...)
				w.i = after
				w.body()
				return
			}
		}
	}
	if w.declares() {
		w.declaration()
		return
	}
	w.semicolon()
	if !w.bad {
		w.emit(statement{what: expression, start: start, end: w.i - 1, exprStart: start, exprEnd: w.i - 1})
	}
}

// declares reports whether the statement at w.i declares variables.
func (w *walker) declares() bool {
	t := w.toks[w.i]
	if t.kind != ident {
		return false
	}
	if typeWords[t.text] {
		return true
	}
	i := w.i + 1
	stars := 0
	for i < w.end && w.toks[i].text == "*" {
		i, stars = i+1, stars+1
	}
	if i+1 >= w.end || w.toks[i].kind != ident {
		return false
	}
	switch w.toks[i+1].text {
	case ";", ",", "=", "[":
		return true
	}
	return stars == 0
}

func (w *walker) declaration() {
	start := w.i
	static := w.toks[start].text == "static"
	for w.i < w.end && w.toks[w.i].text != ";" {
		switch w.toks[w.i].text {
		case "=":
			w.i++
			s := w.i
			braces := w.peek() == "{"
			for w.i < w.end && w.toks[w.i].text != ";" && w.toks[w.i].text != "," {
				if next := closing(w.toks, w.i, w.end); next > 0 && opens(w.toks[w.i]) {
					w.i = next
				} else {
					w.i++
				}
			}
			if !static && !braces {
				w.emit(statement{what: initial, start: start, end: w.i, exprStart: s, exprEnd: w.i})
			}
		case "(", "[", "{":
			next := closing(w.toks, w.i, w.end)
			if next < 0 {
				w.bad = true
				return
			}
			w.i = next
		default:
			w.i++
		}
	}
	w.i++
}

func opens(t token) bool { return t.text == "(" || t.text == "[" || t.text == "{" }
