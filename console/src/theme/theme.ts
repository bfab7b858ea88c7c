import { type CSSVariablesResolver, createTheme, type MantineColorsTuple, rem } from "@mantine/core";
import { ramps } from "./ramps";

const tuple = (shades: readonly string[]) => shades as unknown as MantineColorsTuple;
const ink = tuple(ramps.ink);

export const theme = createTheme({
  primaryColor: "iris",
  primaryShade: { light: 7, dark: 6 },
  colors: {
    iris: tuple(ramps.iris),
    ink,
    amber: tuple(ramps.amber),
    sky: tuple(ramps.sky),
    coral: tuple(ramps.coral),
    jade: tuple(ramps.jade),
    orchid: tuple(ramps.orchid),
    gray: ink,
    red: tuple(ramps.coral),
    dark: tuple(ramps.dark),
  },
  fontFamily: "'Inter Variable', Inter, system-ui, 'Noto Sans', 'Noto Sans Arabic', 'Noto Sans Devanagari', sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: rem(20), lineHeight: "1.3" },
      h2: { fontSize: rem(16), lineHeight: "1.375" },
      h3: { fontSize: rem(14.5), lineHeight: "1.38" },
      h4: { fontSize: rem(13.5), lineHeight: "1.4" },
    },
  },
  fontSizes: { xs: rem(12.5), sm: rem(13.5), md: rem(14.5), lg: rem(16), xl: rem(20) },
  spacing: { xs: rem(8), sm: rem(12), md: rem(16), lg: rem(20), xl: rem(32) },
  defaultRadius: "md",
  radius: { xs: rem(4), sm: rem(6), md: rem(8), lg: rem(12), xl: rem(18) },
  shadows: { xs: "var(--shadow-xs)", sm: "var(--shadow-sm)", md: "var(--shadow-md)", lg: "var(--shadow-lg)" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm" }, styles: { root: { fontWeight: 560, height: rem(34) } } },
    Badge: {
      defaultProps: { variant: "light", radius: "sm" },
      styles: { root: { textTransform: "none", fontWeight: 560, letterSpacing: 0 } },
    },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: false } } },
    Select: { defaultProps: { size: "sm", allowDeselect: false } },
    Modal: { defaultProps: { radius: "lg", centered: true, overlayProps: { backgroundOpacity: 0.4, blur: 1 } } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.3 } } },
    Input: { styles: { input: { borderColor: "var(--line-input)", background: "var(--panel)" } } },
    InputWrapper: { styles: { label: { fontWeight: 560, marginBottom: 4 }, description: { color: "var(--text-2)" } } },
  },
});

export const cssVariablesResolver: CSSVariablesResolver = (mantine) => {
  const dark: Record<string, string> = {};
  for (const name of Object.keys(mantine.colors)) {
    dark[`--mantine-color-${name}-light`] = `color-mix(in srgb, var(--mantine-color-${name}-6) 26%, transparent)`;
    dark[`--mantine-color-${name}-light-hover`] = `color-mix(in srgb, var(--mantine-color-${name}-6) 36%, transparent)`;
    dark[`--mantine-color-${name}-light-color`] = `var(--mantine-color-${name}-3)`;
  }
  const both = {
    "--mantine-color-dimmed": "var(--text-2)",
    "--mantine-color-placeholder": "var(--text-3)",
    "--mantine-color-error": "var(--danger-text)",
    "--mantine-color-body": "var(--panel)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-default": "var(--panel)",
    "--mantine-color-default-border": "var(--line-strong)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-anchor": "var(--brand)",
  };
  return { variables: {}, light: both, dark: { ...dark, ...both } };
};
