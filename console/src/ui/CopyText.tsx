import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import c from "./ui.module.css";

/** Text that is taken elsewhere: an id, a key, an address, a request. */
export function CopyText({ value, shown, block }: { value: string; shown?: string; block?: boolean }) {
  const { t } = useTranslation();
  const button = (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("ui.copied") : t("ui.copy")}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? t("ui.copied") : t("ui.copy")}
          >
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
  if (block)
    return (
      <div className={c.codeBlock}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: wide code scrolls by keyboard */}
        <pre tabIndex={0}>{shown ?? value}</pre>
        {button}
      </div>
    );
  return (
    <span className={c.copyText}>
      <code className="mono ltr">{shown ?? value}</code>
      {button}
    </span>
  );
}
