//! Colours: few, and never the only sign of anything.

use ratatui::style::{Color, Modifier, Style};

/// What kind of terminal colours are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None, or none are wanted.
    None,
    /// The sixteen that terminals always had.
    Sixteen,
    /// A fixed palette of 256.
    Palette,
    /// Red, green and blue with eight bits each.
    True,
}

/// What a part of the picture is, from which follows how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is read.
    Text,
    /// What is read when one looks for it: units, axes, words beside figures, nothing.
    Dim,
    /// What is read first.
    Strong,
    /// Titles and the open tab.
    Accent,
    /// Lines between parts.
    Rule,
    /// The ground of a bar.
    Ground,
    /// Downloads.
    Down,
    /// Uploads.
    Up,
    /// As it should be.
    Good,
    /// Worth a look.
    Notable,
    /// Something is wrong.
    Alarming,
    /// The row that the cursor is on.
    Chosen,
}

impl Theme {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }

    /// What the terminal says of itself in `COLORFGBG`: foreground;background by number.
    pub fn told_by(colorfgbg: Option<&str>) -> Self {
        let ground = colorfgbg.and_then(|it| it.rsplit(';').next()).and_then(|it| it.parse().ok());
        match ground {
            Some(7 | 9..=15u8) => Self::Light,
            _ => Self::Dark,
        }
    }
}

impl Depth {
    /// What the environment says: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn told_by(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        // https://no-color.org: set and not empty
        if no_color.is_some_and(|it| !it.is_empty()) || term == Some("dumb") {
            Self::None
        } else if matches!(colorterm, Some("truecolor" | "24bit")) {
            Self::True
        } else if term.is_some_and(|it| it.contains("256color") || it.contains("direct")) {
            Self::Palette
        } else {
            Self::Sixteen
        }
    }
}

/// Colours of one theme at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// What kind of terminal they are for.
    pub theme: Theme,
    /// How many there are.
    pub depth: Depth,
}

impl Palette {
    /// How a part looks.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        if self.depth == Depth::None {
            return match role {
                Role::Text | Role::Down | Role::Up | Role::Good => plain,
                Role::Dim | Role::Rule | Role::Ground => plain.add_modifier(Modifier::DIM),
                Role::Strong | Role::Accent | Role::Notable => plain.add_modifier(Modifier::BOLD),
                Role::Alarming => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                Role::Chosen => plain.add_modifier(Modifier::REVERSED),
            };
        }
        match role {
            Role::Text => plain,
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Accent | Role::Alarming => {
                plain.fg(self.colour(role)).add_modifier(Modifier::BOLD)
            }
            Role::Chosen if self.depth == Depth::Sixteen => plain.add_modifier(Modifier::REVERSED),
            Role::Chosen => plain.bg(self.colour(role)),
            _ => plain.fg(self.colour(role)),
        }
    }

    /// What is left of a bar: a ground where there are colours enough for a faint one.
    pub fn track(self) -> Style {
        match self.depth {
            Depth::None | Depth::Sixteen => Style::new(),
            Depth::Palette | Depth::True => Style::new().bg(self.colour(Role::Ground)),
        }
    }

    fn colour(self, role: Role) -> Color {
        if self.depth == Depth::Sixteen {
            return self.of_sixteen(role);
        }
        let [red, green, blue] = self.tint(role);
        match self.depth {
            Depth::Palette => Color::Indexed(nearest([red, green, blue])),
            _ => Color::Rgb(red, green, blue),
        }
    }

    fn of_sixteen(self, role: Role) -> Color {
        match (role, self.theme) {
            (Role::Text | Role::Strong | Role::Chosen, _) => Color::Reset,
            (Role::Dim | Role::Ground, _) | (Role::Rule, Theme::Dark) => Color::DarkGray,
            (Role::Rule, Theme::Light) => Color::Gray,
            (Role::Accent, Theme::Dark) => Color::LightCyan,
            (Role::Accent, Theme::Light) => Color::Blue,
            (Role::Down, Theme::Dark) => Color::LightBlue,
            (Role::Down, Theme::Light) => Color::Blue,
            (Role::Up, Theme::Dark) => Color::LightMagenta,
            (Role::Up, Theme::Light) => Color::Magenta,
            (Role::Good, _) => Color::Green,
            (Role::Notable, Theme::Dark) => Color::LightYellow,
            // yellow cannot be read on white
            (Role::Notable, Theme::Light) => Color::Magenta,
            (Role::Alarming, Theme::Dark) => Color::LightRed,
            (Role::Alarming, Theme::Light) => Color::Red,
        }
    }

    fn tint(self, role: Role) -> [u8; 3] {
        match (role, self.theme) {
            (Role::Text | Role::Strong, Theme::Dark) => [0xd0, 0xd6, 0xdc],
            (Role::Text | Role::Strong, Theme::Light) => [0x20, 0x28, 0x30],
            (Role::Dim, Theme::Dark) => [0x84, 0x8e, 0x98],
            (Role::Dim, Theme::Light) => [0x66, 0x70, 0x7a],
            (Role::Rule, Theme::Dark) => [0x44, 0x4c, 0x54],
            (Role::Rule, Theme::Light) => [0xc2, 0xca, 0xd2],
            (Role::Ground, Theme::Dark) => [0x3a, 0x42, 0x4a],
            (Role::Ground, Theme::Light) => [0xcc, 0xd4, 0xdc],
            (Role::Accent, Theme::Dark) => [0x6c, 0xc4, 0xdc],
            (Role::Accent, Theme::Light) => [0x0b, 0x66, 0x8c],
            (Role::Down, Theme::Dark) => [0x5a, 0xa8, 0xe0],
            (Role::Down, Theme::Light) => [0x1c, 0x6c, 0xb4],
            (Role::Up, Theme::Dark) => [0xb8, 0x90, 0xe0],
            (Role::Up, Theme::Light) => [0x7c, 0x44, 0xac],
            (Role::Good, Theme::Dark) => [0x78, 0xbc, 0x80],
            (Role::Good, Theme::Light) => [0x2c, 0x7c, 0x34],
            (Role::Notable, Theme::Dark) => [0xe0, 0xb4, 0x5c],
            (Role::Notable, Theme::Light) => [0x94, 0x62, 0x00],
            (Role::Alarming, Theme::Dark) => [0xec, 0x6c, 0x68],
            (Role::Alarming, Theme::Light) => [0xb4, 0x24, 0x20],
            (Role::Chosen, Theme::Dark) => [0x28, 0x38, 0x48],
            (Role::Chosen, Theme::Light) => [0xd8, 0xe6, 0xf2],
        }
    }
}

/// The entry of the palette of 256 that comes nearest: of its cube of 216, or of its 24 greys.
fn nearest([red, green, blue]: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |it: [u8; 3]| {
        let apart = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        apart(it[0], red) + apart(it[1], green) + apart(it[2], blue)
    };
    let cube = (0..216u8).map(|i| {
        let step = |n: u8| STEPS[usize::from(n % 6)];
        (16 + i, [step(i / 36), step(i / 6), step(i)])
    });
    let greys = (0..24u8).map(|i| (232 + i, [8 + 10 * i; 3]));
    cube.chain(greys).min_by_key(|(_, it)| distance(*it)).map_or(0, |(entry, _)| entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_what_the_terminal_can_show() {
        let depth = Depth::told_by;
        assert_eq!(depth(Some("1"), Some("truecolor"), Some("xterm-256color")), Depth::None);
        assert_eq!(depth(Some(""), Some("truecolor"), Some("xterm")), Depth::True);
        assert_eq!(depth(None, None, Some("screen-256color")), Depth::Palette);
        assert_eq!(depth(None, None, Some("linux")), Depth::Sixteen);
        assert_eq!(depth(None, None, Some("dumb")), Depth::None);
        assert_eq!(Theme::told_by(Some("0;15")), Theme::Light);
        assert_eq!(Theme::told_by(Some("15;default;0")), Theme::Dark);
        assert_eq!(Theme::told_by(None), Theme::Dark);
    }

    #[test]
    fn the_nearest_of_the_palette_is_found() {
        assert_eq!(nearest([0, 0, 0]), 16);
        assert_eq!(nearest([255, 0, 0]), 196);
        assert_eq!(nearest([0x44, 0x4c, 0x54]), 239);
    }

    #[test]
    fn without_colours_there_are_none() {
        for theme in [Theme::Dark, Theme::Light] {
            let palette = Palette { theme, depth: Depth::None };
            for role in [Role::Down, Role::Alarming, Role::Chosen, Role::Accent] {
                let style = palette.style(role);
                assert_eq!((style.fg, style.bg), (None, None));
            }
        }
    }
}
