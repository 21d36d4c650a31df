//! Reading a marker: one pass over the text, recursion bounded by the depth limit.

use super::{Comparison, MARKER_DEPTH_LIMIT, MarkerError, MarkerOperator, Node, Variable};
use crate::name::ExtraName;

pub(super) fn parse(text: &str) -> Result<Node, MarkerError> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.any(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error("expected 'and', 'or' or the end"));
    }
    Ok(node)
}

struct Parser<'text> {
    text: &'text str,
    at: usize,
}

/// One side of a comparison.
enum Side<'text> {
    Variable(Variable),
    Value(&'text str),
}

impl<'text> Parser<'text> {
    fn error(&self, reason: &'static str) -> MarkerError {
        MarkerError::Syntax { reason, at: self.at, marker: self.text.chars().take(200).collect() }
    }

    fn rest(&self) -> &'text str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes a word such as `and`, which must not run on into another.
    fn eat_word(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest().strip_prefix(word) else { return false };
        let runs_on = rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !runs_on {
            self.at += word.len();
        }
        !runs_on
    }

    fn any(&mut self, depth: usize) -> Result<Node, MarkerError> {
        let mut nodes = vec![self.all(depth)?];
        while self.eat_word("or") {
            nodes.push(self.all(depth)?);
        }
        Ok(single_or(nodes, Node::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Node, MarkerError> {
        let mut nodes = vec![self.atom(depth)?];
        while self.eat_word("and") {
            nodes.push(self.atom(depth)?);
        }
        Ok(single_or(nodes, Node::All))
    }

    fn atom(&mut self, depth: usize) -> Result<Node, MarkerError> {
        self.skip_space();
        let node = if self.eat("(") {
            if depth == MARKER_DEPTH_LIMIT {
                return Err(MarkerError::TooDeep);
            }
            let node = self.any(depth + 1)?;
            if !self.eat(")") {
                return Err(self.error("expected ')'"));
            }
            node
        } else {
            self.comparison()?
        };
        self.skip_space();
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, MarkerError> {
        let left = self.side()?;
        self.skip_space();
        let operator = self.operator()?;
        self.skip_space();
        let right = self.side()?;
        let (variable, value, reversed) = match (left, right) {
            (Side::Variable(variable), Side::Value(value)) => (variable, value, false),
            (Side::Value(value), Side::Variable(variable)) => (variable, value, true),
            _ => return Err(self.error("expected a variable on one side and a quoted text on the other")),
        };
        Ok(Node::Compare(Comparison::new(variable, operator, value, reversed)))
    }

    fn side(&mut self) -> Result<Side<'text>, MarkerError> {
        if let Some(quote @ ('"' | '\'')) = self.rest().chars().next() {
            let inner = &self.rest()[1..];
            let Some(length) = inner.find(quote) else { return Err(self.error("expected a closing quote")) };
            self.at += length + 2;
            return Ok(Side::Value(&inner[..length]));
        }
        let length = self
            .rest()
            .find(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '.')))
            .unwrap_or(self.rest().len());
        let variable = match &self.rest()[..length] {
            "implementation_name" => Variable::ImplementationName,
            "implementation_version" => Variable::ImplementationVersion,
            "os_name" | "os.name" => Variable::OsName,
            "platform_machine" | "platform.machine" => Variable::PlatformMachine,
            "platform_python_implementation" | "platform.python_implementation" | "python_implementation" => {
                Variable::PlatformPythonImplementation
            }
            "platform_release" => Variable::PlatformRelease,
            "platform_system" => Variable::PlatformSystem,
            "platform_version" | "platform.version" => Variable::PlatformVersion,
            "python_full_version" => Variable::PythonFullVersion,
            "python_version" => Variable::PythonVersion,
            "sys_platform" | "sys.platform" => Variable::SysPlatform,
            "extra" => Variable::Extra,
            "extras" => Variable::Extras,
            "dependency_groups" => Variable::DependencyGroups,
            _ => return Err(self.error("expected a marker variable or a quoted text")),
        };
        self.at += length;
        Ok(Side::Variable(variable))
    }

    fn operator(&mut self) -> Result<MarkerOperator, MarkerError> {
        let signs = [
            ("===", MarkerOperator::Arbitrary),
            ("==", MarkerOperator::Equal),
            ("!=", MarkerOperator::NotEqual),
            ("<=", MarkerOperator::LessOrEqual),
            (">=", MarkerOperator::GreaterOrEqual),
            ("~=", MarkerOperator::Compatible),
            ("<", MarkerOperator::Less),
            (">", MarkerOperator::Greater),
        ];
        for (sign, operator) in signs {
            if self.eat(sign) {
                return Ok(operator);
            }
        }
        if self.eat_word("in") {
            return Ok(MarkerOperator::In);
        }
        if self.eat_word("not") {
            let before = self.at;
            self.skip_space();
            if self.at > before && self.eat_word("in") {
                return Ok(MarkerOperator::NotIn);
            }
        }
        Err(self.error("expected a comparison such as '==' or 'in'"))
    }
}

fn single_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            many(nodes)
        }
    }
}

impl Comparison {
    fn new(variable: Variable, operator: MarkerOperator, value: &str, reversed: bool) -> Self {
        // Names are compared in their normal form (PEP 685, PEP 735).
        let value = match variable {
            Variable::Extra | Variable::Extras | Variable::DependencyGroups => {
                value.parse().map_or_else(|_| value.into(), |name: ExtraName| name.as_str().into())
            }
            _ => Box::from(value),
        };
        // With the variable on the right, its value is what changes: no specifier to prepare.
        let specifier = (variable.is_version() && !reversed)
            .then(|| format!("{}{value}", operator.sign()).parse().ok())
            .flatten();
        Self { variable, operator, value, reversed, specifier }
    }
}
