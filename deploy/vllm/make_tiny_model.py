"""Make a model without weights: `make_tiny_model.py DIRECTORY`, served with `--load-format dummy`.

It is the config of a small Qwen2, a byte-level BPE tokenizer trained here on text made here, and a
ChatML chat template: 140 KB in all. It runs in vLLM's environment and needs only `tokenizers`.
"""  # noqa: INP001 - a script of its own, not a package of the project

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 2048
END_OF_TEXT, TURN_START, TURN_END = SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LONGEST = 16384
"""Tokens of prompt and answer."""

WORDS = (
    "council agent server request token plan issue vote review patch merge test queue cache prompt "
    "answer the a of to and in is was for on with as by at from it this that be are not or have has "
    "will can system user assistant tool function name value type string number object array true "
    "false null ranking reason proposal critique data key"
)

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def corpus() -> Iterator[str]:
    """Yield sentences, JSON and the sources of the standard library: the same on the same Python."""
    chance = random.Random(0)  # noqa: S311 - text to train on, nothing secret
    words = WORDS.split()
    for _ in range(3000):
        yield " ".join(chance.choices(words, k=chance.randint(4, 30))) + "."
    for _ in range(1500):
        yield json.dumps({chance.choice(words): chance.choice(words), "n": chance.randint(0, 9999)})
    for source in sorted(Path(json.__file__).parent.glob("*.py")):
        yield source.read_text(encoding="utf-8")


def make_tokenizer() -> Tokenizer:
    """Train it; every byte is in its alphabet, so that it can say anything."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def main(directory: Path) -> None:
    """Write the four files that make the model."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    end_of_text, turn_end = tokenizer.token_to_id(END_OF_TEXT), tokenizer.token_to_id(TURN_END)
    files = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": None,
            "eos_token": TURN_END,
            "pad_token": END_OF_TEXT,
            "unk_token": None,
            "model_max_length": LONGEST,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
        "generation_config.json": {
            "eos_token_id": [turn_end, end_of_text],
            "pad_token_id": end_of_text,
        },
        "config.json": {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": VOCABULARY,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,  # of 32 dimensions, the least that vLLM's CPU attention takes
            "num_key_value_heads": 2,
            "max_position_embeddings": LONGEST,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "attention_dropout": 0.0,
            "use_sliding_window": False,
            "use_cache": True,
            "initializer_range": 0.02,
            "bos_token_id": None,
            "eos_token_id": turn_end,
            "torch_dtype": "float32",
        },
    }
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
