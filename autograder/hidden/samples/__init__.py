"""The answers of the sample class: each module holds functions with the contract's names, as one learner wrote them."""
