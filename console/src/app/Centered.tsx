import type { ReactNode } from "react";
import c from "./app.module.css";

export const Centered = ({ children }: { children: ReactNode }) => <main className={c.centered}>{children}</main>;
