#!/usr/bin/env bash
# serve.sh PORT [more flags of vLLM]: a real vLLM on the CPU with random weights, as the model "tiny" on 127.0.0.1:PORT.
#
# It stays in the foreground and is ready when /health answers (25 to 70 s, about 3 GB of memory). What it says is
# noise, but all around it is vLLM's own: errors, streaming, usage, structured output, priorities. Start it as the
# leader of a session (setsid) and end it by its process group: a VLLM::Worker can outlive a parent that crashed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${VLLM_HOME:-$HOME/.cache/graph-council/vllm}
port=${1:?"usage: serve.sh PORT [more flags of vLLM]"}
shift
[ -e "$home/ready" ] || {
  echo "vLLM is not installed in $home: run $here/install.sh" >&2
  exit 1
}
export VLLM_CPU_KVCACHE_SPACE=1 # GiB
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export PYTHONPATH="$here/shim"
# Why these: chunked prefill with a seed per request ends the CPU engine, so it is off, and then a batch has to hold the
# longest prompt. Prompts quote noise, which is long in tokens. The named backend without free white space keeps
# structured answers short. The module, as the command "vllm" looks for a distribution of its own name and finds vllm-cpu.
exec "$home/venv/bin/python" -m vllm.entrypoints.openai.api_server \
  --model "$home/tiny-model" --served-model-name tiny --load-format dummy --dtype float32 \
  --host 127.0.0.1 --port "$port" --enforce-eager --max-num-seqs 64 --scheduling-policy priority \
  --max-model-len 16384 --no-enable-chunked-prefill --max-num-batched-tokens 16384 \
  --enable-prompt-tokens-details --enable-server-load-tracking \
  --structured-outputs-config '{"backend":"xgrammar","disable_any_whitespace":true}' "$@"
