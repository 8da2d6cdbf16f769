import { useRef, useState } from "preact/hooks";
import { Icon } from "./icons.tsx";

/** A button that puts `text` on the clipboard and says so in its own place. */
export function Copy({ text, label, word = "Copy" }: {
  readonly text: string;
  readonly label: string;
  readonly word?: string;
}) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const copy = async () => {
    await write(text);
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), 2000);
  };
  return (
    <button type="button" class="button" onClick={copy} aria-label={label}>
      <Icon name={done ? "check" : "copy"} />
      <span class="copy-word">{done ? "Copied" : word}</span>
    </button>
  );
}

async function write(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain HTTP from another machine has no clipboard API.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
