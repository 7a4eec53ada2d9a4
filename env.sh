# t SECS cmd...: timeout with TERM, then KILL 10 s later; says how it ended
t() { local s=$1; shift; timeout -k 10 $s "$@"; }
bigp() { basic big >/dev/null; echo 'import x from "./imp.json" with {type:"json"};' | cat - b.mts > b2 && mv b2 b.mts; echo '{}' > imp.json; echo '{}' > package.json;  echo 'x: 1' > params.yaml; sed -i 's/    deps: \[in.txt\]/    deps: [in.txt]\n    params: [x]/' pipeline.yaml; timeout 20 $P/ls.sh repro >/dev/null 2>&1; }
