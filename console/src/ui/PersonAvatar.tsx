import { initials, toneOf } from "@/lib/ids";
import c from "./ui.module.css";

export const PersonAvatar = ({ name, size = 32 }: { name: string; size?: number }) => (
  <span
    className={c.avatar}
    data-tone={toneOf(name)}
    style={{ inlineSize: size, blockSize: size, fontSize: size * 0.38 }}
    aria-hidden="true"
  >
    {initials(name)}
  </span>
);
