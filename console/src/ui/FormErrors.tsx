import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { problemWords } from "@/lib/problems";
import c from "./ui.module.css";

/** The summary of what is wrong with a form; it takes the focus when it comes. */
export function FormErrors({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error) box.current?.focus();
  }, [error]);
  if (!error) return null;
  const words = problemWords(error, t);
  return (
    <div className={c.error} role="alert" tabIndex={-1} ref={box}>
      <div>
        <b>{words.title}</b>
        {words.help && <p>{words.help}</p>}
        {words.fields.length > 0 && (
          <ul>
            {words.fields.map((field) => (
              <li key={`${field.field}-${field.code}`}>
                <code className="mono">{field.field}</code> {field.words}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
