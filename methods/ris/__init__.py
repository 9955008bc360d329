"""RIS: Retrieve in Style (Chong et al., "Retrieve in Style: Unsupervised Facial Feature Transfer and Retrieval", 2021)."""
